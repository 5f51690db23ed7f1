/** A string that all of these names contain. Looking for it first is fast. */
const METHOD = /[mM][eE][tT][hH][oO][dD]/;
const MENTIONED = /"(?:_|\$http|x[-_](?:http[-_])?)method/i;
const OVERRIDE = /^(?:_method|\$httpmethod|x[-_]http[-_]method(?:[-_]override)?|x[-_]method[-_]override)$/i;

/**
 * Whether a header, query parameter, form field or body member overrides the method (verb tampering): the gateway would
 * judge a POST that the upstream runs as DELETE. Rails, Laravel, Symfony, Slim, Express' method-override and Google's
 * front ends each honour one of these names.
 */
export function isMethodOverride(name: string): boolean {
  // The shortest and the longest name; most names skip the regular expression.
  return name.length >= 7 && name.length <= 22 && OVERRIDE.test(name);
}

/** Whether a JSON text has such a member at its top level, however it is escaped. `text` must be valid JSON. */
export function hasMethodOverrideMember(text: string): boolean {
  // Parsing is expensive, so only texts that could contain such a name are parsed.
  if (!(METHOD.test(text) && MENTIONED.test(text)) && !text.includes('\\u00')) return false;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && Object.keys(value).some(isMethodOverride);
}
