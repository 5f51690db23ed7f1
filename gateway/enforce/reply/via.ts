import type { AgentRequest } from '../../domain/message.ts';
import type { Via } from '../../domain/reply.ts';

const HOST = /^[\w.:[\]-]+$/;

/** How the caller of a request reached the gateway. */
export function viaOf({ headers, socket }: Pick<AgentRequest, 'headers' | 'socket'>, own: string | undefined): Via {
  const { host } = headers;
  return {
    // HTTP/1.0 needs no Host.
    host: host !== undefined && HOST.test(host) ? host : `${socket.localAddress}:${socket.localPort}`,
    own,
  };
}
