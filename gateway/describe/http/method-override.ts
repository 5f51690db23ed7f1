/** What all of these names contain: looked for first, as it is found a word at a time. */
const METHOD = /[mM][eE][tT][hH][oO][dD]/;
const MENTIONED = /"(?:_|\$http|x[-_](?:http[-_])?)method/i;
const OVERRIDE = /^(?:_method|\$httpmethod|x[-_]http[-_]method(?:[-_]override)?|x[-_]method[-_]override)$/i;

/**
 * Whether a header, query parameter, form field or body member asks the upstream to take the call for another method
 * (verb tampering): a judged POST that the upstream runs as DELETE. Rails, Laravel, Symfony, Slim, Express'
 * method-override and Google's front ends each honour one of these names.
 */
export function isMethodOverride(name: string): boolean {
  // The shortest and the longest of the names; keeps the regular expression off most names.
  return name.length >= 7 && name.length <= 22 && OVERRIDE.test(name);
}

/**
 * Whether a JSON text has such a member at its top level, however it is escaped.
 * `text` must be valid JSON.
 */
export function hasMethodOverrideMember(text: string): boolean {
  // Parsing costs more than everything else here, so it is kept for texts in which a name could be hidden.
  if (!(METHOD.test(text) && MENTIONED.test(text)) && !text.includes('\\u00')) return false;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && Object.keys(value).some(isMethodOverride);
}
