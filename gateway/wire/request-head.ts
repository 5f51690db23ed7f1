import type { Outgoing } from './delivery.ts';

const METHOD = /^(?!CONNECT$)[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TARGET = /^\/[\x21-\xff]*$/;
/** A token, but none that says where a message ends, to whom it goes or what becomes of the connection. */
const NAME =
  /^(?!(?:host|connection|keep-alive|content-length|transfer-encoding|upgrade|expect)$)[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/i;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Methods whose requests are expected to have content: these say so when it is empty (RFC 9110 section 8.6). */
const WITH_CONTENT = new Set(['POST', 'PUT', 'PATCH', 'QUERY', 'PROPFIND', 'PROPPATCH']);

/** What goes out before the body, one byte for each character; and whether another request may follow. */
export type RequestHead = { readonly text: string; readonly isLast: boolean };

/**
 * Writes the heads of requests to one system. Whatever a request was made of, it stays one request: nothing in it can
 * end a line (request splitting) or contradict the framing (request smuggling).
 */
export function createRequestHead(upstream: URL): (request: Outgoing) => RequestHead {
  const prefix = upstream.pathname.replace(/\/$/, '');
  const keep = ` HTTP/1.1\r\nhost: ${upstream.host}\r\nconnection: keep-alive\r\n`;
  const close = ` HTTP/1.1\r\nhost: ${upstream.host}\r\nconnection: close\r\n`;

  /** @throws Error when it could not be sent as one request */
  return ({ method, target, headers, body }) => {
    const path = prefix + target;
    if (!METHOD.test(method) || !TARGET.test(path)) throw new Error('the method or target cannot be sent');
    // There are systems that answer HEAD with a body, which the next request would get for an answer.
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
    // Nor do all systems read a body that they do not expect.
    return { text: `${text}\r\n`, isLast: isHead || (body.length > 0 && !withContent) };
  };
}
