/** Cookies ignore ports, so those of Holdpoint's own pages on the same host come with the calls of a browser. */
const OWN = /^(?:__(?:host|secure)-)?holdpoint/i;

/** Whether a cookie is one of Holdpoint's own, which no system may get or set. @param pair `name=value` */
export function isOwnCookie(pair: string): boolean {
  return OWN.test(pair.trim());
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
