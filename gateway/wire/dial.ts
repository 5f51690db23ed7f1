import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** Opens connections. One is ready for a request at the event named by `ready`. */
export type Dial = {
  readonly ready: 'connect' | 'secureConnect';
  dial(onread: OnReadOpts): Socket;
};

/** Milliseconds of silence before the first TCP keep-alive probe. */
const PROBED_AFTER = 60_000;

/** Connects to an upstream by TCP, or by TLS with its certificate verified and sessions resumed. */
export function createDial(upstream: URL): Dial {
  // An IPv6 address has brackets only in a URL.
  const host = upstream.hostname.replace(/^\[|\]$/g, '');
  const isSecure = upstream.protocol === 'https:';
  const port = Number(upstream.port) || (isSecure ? 443 : 80);

  if (!isSecure) {
    return {
      ready: 'connect',
      dial: (onread) => tuned(connectTcp({ host, port, onread })),
    };
  }

  let session: Buffer | null = null;
  return {
    ready: 'secureConnect',
    dial(onread) {
      const options: ConnectionOptions & { onread: OnReadOpts } = {
        host,
        port,
        onread,
        ALPNProtocols: ['http/1.1'],
        // An IP address is not a server name (RFC 6066 section 3).
        ...(isIP(host) === 0 && { servername: host }),
        ...(session && { session }),
      };
      const socket = connectTls(options);
      socket.on('session', (latest) => (session = latest));
      return tuned(socket);
    },
  };
}

function tuned<S extends Socket>(socket: S): S {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, PROBED_AFTER);
  return socket;
}
