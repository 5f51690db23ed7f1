import { connect, type Socket } from 'node:net';

/** Longest head of a proxy's answer, in bytes. */
const LONGEST_HEAD = 16 * 1024;

/**
 * Connects to an authority through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6). `opened` is called when the proxy
 * has connected. If it refuses, the socket is destroyed with an error that says so.
 * @param proxy may have a user and a password
 * @param authority `host:port`
 */
export function connectThrough(proxy: URL, authority: string, opened: () => void): Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization =
    user === ':' ? '' : `proxy-authorization: Basic ${Buffer.from(user, 'utf8').toString('base64')}\r\n`;
  const socket = connect({ host, port: Number(proxy.port) || 80 }, () =>
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${authorization}\r\n`),
  );
  let head = '';
  const read = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1 && head.length <= LONGEST_HEAD) return;
    socket.off('data', read);
    const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(head)?.[1];
    if (end === -1 || status === undefined) socket.destroy(new Error('the proxy did not answer as HTTP/1.1'));
    else if (!status.startsWith('2')) socket.destroy(new Error(`the proxy answered ${status}`));
    // Response queue poisoning: nothing may come before a request is sent.
    else if (end + 4 !== head.length) socket.destroy(new Error('the proxy sent bytes without a request'));
    else opened();
  };
  socket.on('data', read);
  return socket;
}
