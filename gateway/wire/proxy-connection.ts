import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Longest head of a proxy's answer, in bytes. */
const LONGEST_HEAD = 16 * 1024;

/**
 * Connects to an authority through an HTTP proxy (CONNECT, RFC 9110 section 9.3.6). `opened` is called when the proxy
 * has connected. If it refuses, the socket is destroyed with an error that says so.
 * @param proxy may have a user and a password; an `https:` proxy is reached over TLS, verified by the public authorities
 * @param authority `host:port`
 */
export function connectThrough(proxy: URL, authority: string, opened: () => void): Socket {
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization =
    user === ':' ? '' : `proxy-authorization: Basic ${Buffer.from(user, 'utf8').toString('base64')}\r\n`;
  const socket = connectTo(proxy, () =>
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

function connectTo({ hostname, port, protocol }: URL, connected: () => void): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'http:') return connectTcp({ host, port: Number(port) || 80 }, connected);
  // An IP address is not a server name (RFC 6066 section 3).
  const named = isIP(host) === 0 ? { servername: host } : {};
  return connectTls({ host, port: Number(port) || 443, ALPNProtocols: ['http/1.1'], ...named }, connected);
}
