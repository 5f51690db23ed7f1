import type { ServerResponse } from 'node:http';

/**
 * Ends an answer in the middle, and its connection with it, so that nobody takes what came of it for the whole. One that
 * waits behind another answer (pipelining) has no connection yet and closes it when it gets one; node would send its
 * half and leave the agent waiting for the rest.
 */
export function breakOff(response: ServerResponse): void {
  response.once('socket', (socket) => socket.destroy());
  response.destroy();
}
