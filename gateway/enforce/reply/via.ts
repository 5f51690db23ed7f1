import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Via } from '../../domain/reply.ts';

const HOST = /^[\w.:[\]-]+$/;

/**
 * How the caller of a request reached the gateway. A proxy that ends TLS says so in `X-Forwarded-Proto`; an agent that
 * sends it misleads only itself.
 */
export function viaOf({ headers, socket }: IncomingMessage, own: string | undefined): Via {
  const { host } = headers;
  const isSecure = (socket as TLSSocket).encrypted || /^https\b/i.test(String(headers['x-forwarded-proto'] ?? ''));
  return {
    scheme: isSecure ? 'https' : 'http',
    // HTTP/1.0 needs no Host.
    host: host !== undefined && HOST.test(host) ? host : `${socket.localAddress}:${socket.localPort}`,
    own,
  };
}
