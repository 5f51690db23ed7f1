import { isIP } from 'node:net';
import type { IncomingHttpHeaders } from 'node:http';
import { AdminProblem } from '../api/problems.ts';

/**
 * Requires that a page of the console sends the request. That `Origin` and `Host` agree proves nothing: an attacker's name
 * can lead to this listener (DNS rebinding). An IP address and `localhost` cannot be rebound; any other name has to be
 * configured.
 * @param consoleUrl where people open the console
 * @throws AdminProblem `cross-site`
 */
export function assertOwnOrigin(headers: IncomingHttpHeaders, consoleUrl: URL): void {
  if (!isOwn(headers, consoleUrl)) throw new AdminProblem('cross-site');
}

function isOwn({ origin, host = '', 'sec-fetch-site': site }: IncomingHttpHeaders, consoleUrl: URL): boolean {
  if (origin === undefined) {
    const asked = parse(`${consoleUrl.protocol}//${host}`);
    return site === 'same-origin' && asked !== null && (asked.host === consoleUrl.host || cannotBeRebound(asked));
  }
  const from = parse(origin);
  if (!from) return false;
  // The port counts. Cookies do not know it, so a page on another port of this host has the cookie too.
  const isOfHost = from.host === parse(`${from.protocol}//${host}`)?.host;
  return from.origin === consoleUrl.origin || (isOfHost && cannotBeRebound(from));
}

function parse(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

function cannotBeRebound({ hostname }: URL): boolean {
  return isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0 || /^(?:.+\.)?localhost$/.test(hostname);
}
