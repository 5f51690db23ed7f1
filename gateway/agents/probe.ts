import type { RequestHead } from '../domain/message.ts';

/**
 * Whether a request is a load balancer's look at `/`, the default of many. It carries no credential, so it is no call,
 * whatever its Host header names. A call that forgot its token is answered the same, and learns nothing of the systems.
 * @param keyHeaders the headers in which agents may send their token, besides `Authorization`
 */
export function isProbe({ method, url, headers }: RequestHead, keyHeaders: readonly string[]): boolean {
  return (
    url === '/' &&
    (method === 'GET' || method === 'HEAD') &&
    headers.authorization === undefined &&
    keyHeaders.every((header) => headers[header] === undefined)
  );
}
