import type { IncomingMessage } from 'node:http';
import { Problem } from '../../domain/problem.ts';

const EMPTY = Buffer.alloc(0);
const NO_BODY = Promise.resolve(EMPTY);

/**
 * Reads the whole body once, as the bytes that are judged and sent. `limit` is in bytes. A body that came in one piece
 * is not copied. After `body-too-large` the rest stays unread, so the response must close the connection.
 * @throws Problem `body-too-large`, before anything is read if Content-Length says so; `bad-request` when the client
 *   disconnects before the body is complete
 */
export function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  const length = request.headers['content-length'];
  if (length === undefined ? request.headers['transfer-encoding'] === undefined : length === '0') return NO_BODY;
  if (length !== undefined && Number(length) > limit) return Promise.reject(tooLarge(limit));

  return new Promise((resolve, reject) => {
    let first: Buffer | null = null;
    let chunks: Buffer[] | null = null;
    let size = 0;

    const settle = () => {
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onClose);
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        settle();
        request.pause();
        reject(tooLarge(limit));
      } else if (first === null) {
        first = chunk;
      } else {
        (chunks ??= [first]).push(chunk);
      }
    };
    const onEnd = () => {
      settle();
      resolve(chunks === null ? (first ?? EMPTY) : Buffer.concat(chunks, size));
    };
    // An aborted request closes without `end`. A truncated body must never be judged as a whole one.
    const onClose = () => {
      settle();
      reject(
        new Problem('bad-request', {
          detail: 'The connection closed before the body was complete. Send the request again.',
        }),
      );
    };
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('close', onClose);
  });
}

function tooLarge(limit: number): Problem {
  return new Problem('body-too-large', { detail: `Send a body of at most ${limit} bytes.` });
}
