import type { ServerResponse } from 'node:http';

/**
 * Ends an answer in the middle and closes its connection, so that the agent cannot take the part for the whole.
 *
 * A pipelined answer that waits for its turn has no socket yet. It closes the socket when it gets one: Node would send
 * the part and leave the agent waiting for the rest.
 */
export function abortAnswer(response: ServerResponse): void {
  response.once('socket', (socket) => socket.destroy());
  response.destroy();
}
