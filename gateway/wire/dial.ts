import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { System } from '../domain/system.ts';
import { connectThrough } from './proxy-connection.ts';

/**
 * Opens connections. `opened` gets the socket when it is ready for a request. Through a proxy it may be another socket
 * than the one that is returned, on top of it.
 * @param onread where arriving bytes go; without it the socket emits them
 */
export type Dial = (onread: OnReadOpts | null, opened: (socket: Socket) => void) => Socket;

/** Milliseconds of silence before the first TCP keep-alive probe. */
const PROBED_AFTER = 60_000;

/** Connects to an upstream by TCP, or by TLS with its certificate verified and sessions resumed. */
export function createDial({ upstream, tls, proxy }: Pick<System, 'upstream' | 'tls' | 'proxy'>): Dial {
  // An IPv6 address has brackets only in a URL.
  const host = upstream.hostname.replace(/^\[|\]$/g, '');
  const isSecure = upstream.protocol === 'https:';
  const port = Number(upstream.port) || (isSecure ? 443 : 80);

  let session: Buffer | null = null;
  function secure(onread: OnReadOpts | null, below: Socket | null, opened: (socket: Socket) => void): Socket {
    const options: ConnectionOptions & { onread?: OnReadOpts } = {
      ...tls,
      host,
      port,
      // Node ignores `onread` on top of another socket.
      ...(below ? { socket: below } : onread && { onread }),
      ALPNProtocols: ['http/1.1'],
      // An IP address is not a server name (RFC 6066 section 3).
      ...(isIP(host) === 0 && { servername: host }),
      ...(session && { session }),
    };
    const socket = connectTls(options, () => opened(below && onread ? feed(socket, onread) : socket));
    socket.on('session', (latest) => (session = latest));
    return tuned(socket);
  }

  if (proxy) {
    const authority = `${upstream.hostname}:${port}`;
    return (onread, opened) => {
      const socket = connectThrough(proxy, authority, () => {
        if (isSecure) secure(onread, socket, opened).on('error', (error) => socket.destroy(error));
        else opened(onread ? feed(socket, onread) : socket);
      });
      return tuned(socket);
    };
  }
  if (isSecure) return (onread, opened) => secure(onread, null, opened);
  return (onread, opened) => {
    const socket = connectTcp({ host, port, ...(onread && { onread }) }, () => opened(socket));
    return tuned(socket);
  };
}

/** Gives what arrives on an open socket to `onread`, as Node does by itself for a socket that it connects. */
function feed(socket: Socket, { buffer, callback }: OnReadOpts): Socket {
  const target = buffer as Buffer;
  return socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += target.length) {
      const length = chunk.copy(target, 0, at);
      if (!callback(length, target)) socket.pause();
    }
  });
}

function tuned<S extends Socket>(socket: S): S {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, PROBED_AFTER);
  return socket;
}
