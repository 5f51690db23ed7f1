import type { Duplex } from 'node:stream';
import { createId } from '../domain/id.ts';
import { Problem } from '../domain/problem.ts';
import { openAnswer } from './open-answers.ts';

// To save memory: an `import` reads every export of this module, and so loads Node's fetch.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

const UNREADABLE_STATUS: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/**
 * Answers a request that the HTTP parser refuses (bare LF, two lengths, obsolete folding and other smuggling), and
 * closes the connection.
 */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Response splitting: this answer must not be taken for the answer to an earlier call on the connection that is still
  // being served, or is answered in part.
  const other = openAnswer(socket);
  if (!socket.writable || error.code === 'ECONNRESET' || other?.req.complete || other?.headersSent) {
    socket.destroy();
    return;
  }
  const status = UNREADABLE_STATUS[error.code ?? ''] ?? 400;
  const decision_id = createId('dec');
  const body = JSON.stringify({ ...new Problem('bad-request').toJSON(), status, decision_id });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `holdpoint-decision: ${decision_id}`,
    'holdpoint-verdict: block',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
