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
