/** Cookies ignore ports, so those of Holdpoint's own pages on the same host come with the calls of a browser. */
const OWN = /^\s*(?:=\s*)?(?:__(?:host|secure)-)?holdpoint/i;

/**
 * Whether a cookie is one of Holdpoint's own, which no system may get or set. A browser sends a cookie without a name, such
 * as `=holdpoint_session=…`, as its value alone (RFC 6265bis section 5.8.3).
 * @param pair `name=value`
 */
export function isOwnCookie(pair: string): boolean {
  return OWN.test(pair);
}

/** The value of a `Cookie` header without Holdpoint's own cookies; empty if no other is left. */
export function withoutOwnCookies(value: string): string {
  if (!/holdpoint/i.test(value)) return value;
  return value
    .split(';')
    .filter((pair) => !isOwnCookie(pair))
    .join(';')
    .trim();
}
