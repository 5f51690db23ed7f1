import type { Duplex } from 'node:stream';
import { createId } from '../domain/id.ts';
import { Problem } from '../domain/problem.ts';
import { openAnswer } from './open-answers.ts';

// To save memory: an `import` reads every export of this module, and so loads Node's fetch.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/**
 * Answers a request that the HTTP parser refuses (bare LF, two lengths, obsolete folding and other smuggling), and
 * closes the connection.
 * @param headLimit most bytes of a request line and headers
 */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex, headLimit: number): void {
  // Response splitting: this answer must not be taken for the answer to an earlier call on the connection that is still
  // being served, or is answered in part.
  const other = openAnswer(socket);
  if (!socket.writable || error.code === 'ECONNRESET' || other?.req.complete || other?.headersSent) {
    socket.destroy();
    return;
  }
  const problem = error.code === 'HPE_HEADER_OVERFLOW' ? headTooLarge(headLimit) : new Problem('bad-request');
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : problem.status;
  const decision_id = createId('dec');
  const body = JSON.stringify({ ...problem.toJSON(), status, decision_id });
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

function headTooLarge(limit: number): Problem {
  return new Problem('head-too-large', {
    detail: `The request line and headers have more than ${limit} bytes, or more than 1000 headers. Send fewer or shorter ones, or have an operator raise \`head_limit\`.`,
  });
}
