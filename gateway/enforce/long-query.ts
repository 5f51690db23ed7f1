import type { Outgoing } from '../wire/delivery.ts';

/** Characters of a path and query from which Google's clients send a GET as a POST. */
const LONG = 2048;

/**
 * A GET with a long query as the POST that a system with `method_override` reads as that GET; null for any other
 * request. A WebSocket handshake stays a GET.
 */
export function asPost(method: string, target: string, headers: readonly string[], body: Buffer): Outgoing | null {
  if (target.length <= LONG || method !== 'GET' || body.length > 0 || headers.includes('sec-websocket-key'))
    return null;
  const mark = target.indexOf('?');
  if (mark === -1) return null;
  const kept = headers.filter((_, i) => headers[i - (i % 2)] !== 'content-type');
  const form = ['content-type', 'application/x-www-form-urlencoded', 'x-http-method-override', 'GET'];
  return {
    method: 'POST',
    target: target.slice(0, mark),
    headers: [...kept, ...form],
    body: Buffer.from(target.slice(mark + 1), 'latin1'),
  };
}
