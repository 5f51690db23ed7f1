import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Whether a request is a load balancer's look at `/`, the default of many. It carries no credential, so it is no call,
 * whatever its Host header names. A call that forgot its token is answered the same, and learns nothing of the systems.
 * @param keyHeaders the headers in which agents may send their token, besides `Authorization`
 */
export function isProbe({ method, url, headers }: IncomingMessage, keyHeaders: readonly string[]): boolean {
  return (
    url === '/' &&
    (method === 'GET' || method === 'HEAD') &&
    headers.authorization === undefined &&
    keyHeaders.every((header) => headers[header] === undefined)
  );
}

/** Answers a probe. It is not logged: there is one every few seconds. */
export function answerProbe(response: ServerResponse, isReady: boolean): void {
  const body = JSON.stringify({ status: isReady ? 'ok' : 'unready' });
  response.writeHead(isReady ? 200 : 503, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
