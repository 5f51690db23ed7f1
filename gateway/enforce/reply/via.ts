import type { IncomingMessage } from 'node:http';
import type { Via } from '../../domain/reply.ts';

const HOST = /^[\w.:[\]-]+$/;

/** How the caller of a request reached the gateway. */
export function viaOf({ headers, socket }: IncomingMessage, own: string | undefined): Via {
  const { host } = headers;
  return {
    // HTTP/1.0 needs no Host.
    host: host !== undefined && HOST.test(host) ? host : `${socket.localAddress}:${socket.localPort}`,
    own,
  };
}
