import type { Outgoing } from './delivery.ts';

const METHOD = /^(?!CONNECT$)[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TARGET = /^\/[\x21-\xff]*$/;
/** A token that does not name a header of framing, routing or the connection. */
const NAME =
  /^(?!(?:host|connection|keep-alive|content-length|transfer-encoding|upgrade|expect)$)[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/i;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Methods that expect content, and say so when it is empty (RFC 9110 section 8.6). */
const WITH_CONTENT = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** The bytes before the body, one for each character, and whether another request may follow. */
export type RequestHead = { readonly text: string; readonly isLast: boolean };

/**
 * Writes the heads of requests to one upstream. The result is always one request: nothing in it can end a line (request
 * splitting) or contradict the framing (request smuggling).
 */
export function createRequestHead(upstream: URL): (request: Outgoing) => RequestHead {
  const prefix = upstream.pathname.replace(/\/$/, '');
  const keep = ` HTTP/1.1\r\nhost: ${upstream.host}\r\nconnection: keep-alive\r\n`;
  const close = ` HTTP/1.1\r\nhost: ${upstream.host}\r\nconnection: close\r\n`;

  /** @throws Error when it cannot be sent as exactly one request */
  return ({ method, target, headers, body }) => {
    // An empty path stands for the upstream's own, to the last slash.
    const path = (target.startsWith('/') ? prefix : upstream.pathname) + target;
    if (!METHOD.test(method) || !/^(?:[/?]|$)/.test(target) || !TARGET.test(path))
      throw new Error('the method or target cannot be sent');
    // Desync: some upstreams answer HEAD with a body, which would be read as the next answer.
    const isHead = method === 'HEAD';
    let text = `${method} ${path}${isHead ? close : keep}`;
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i]!;
      const value = headers[i + 1]!;
      if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`the header ${JSON.stringify(name)} cannot be sent`);
      text += `${name}: ${value}\r\n`;
    }
    const withContent = WITH_CONTENT.has(method);
    if (body.length > 0 || withContent) text += `content-length: ${body.length}\r\n`;
    // Likewise, some upstreams leave an unexpected body unread.
    return { text: `${text}\r\n`, isLast: isHead || (body.length > 0 && !withContent) };
  };
}
