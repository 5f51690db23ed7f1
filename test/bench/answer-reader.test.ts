import { expect, test } from 'vitest';
import type { Answer } from '../../bench/loads/answer-reader.ts';
import { createAnswerReader } from '../../bench/loads/answer-reader.ts';

type Wire = { readonly what: string; readonly method?: string; readonly status?: number; readonly bytes: string };

const COMPLETE: readonly Wire[] = [
  { what: 'a length', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' },
  { what: 'a length of none', bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' },
  {
    what: 'chunks',
    bytes:
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nc;x=y\r\n0\r\n\r\n0\r\n\r\nab\r\n0\r\n\r\n',
  },
  {
    what: 'trailers',
    bytes: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\na: 1\r\nb: 2\r\n\r\n',
  },
  { what: 'no body by its status', status: 204, bytes: 'HTTP/1.1 204 No Content\r\nserver: x\r\n\r\n' },
  { what: 'no body by its method', method: 'HEAD', bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n' },
  {
    what: 'an interim answer before it',
    bytes: 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx',
  },
];

/** The reader's results for pieces of `size` bytes. */
function readInPieces({ method = 'GET', bytes }: Wire, size: number): (Answer | null)[] {
  const reader = createAnswerReader(method);
  const wire = Buffer.from(bytes, 'latin1');
  // One buffer for all pieces, as with sockets.
  const buffer = Buffer.alloc(size);
  return Array.from({ length: Math.ceil(wire.length / size) }, (_, piece) =>
    reader.read(buffer.subarray(0, wire.copy(buffer, 0, piece * size, (piece + 1) * size))),
  );
}

test.each(COMPLETE)('an answer with $what is complete with its last byte, however it is cut', (wire) => {
  for (let size = 1; size <= wire.bytes.length; size += 1) {
    const said = readInPieces(wire, size);
    expect(said.pop()).toEqual({ status: wire.status ?? 200, reusable: true });
    expect(said.filter((answer) => answer !== null)).toEqual([]);
  }
});

test('an answer ends with the connection only if it has no end of its own', () => {
  const endless = createAnswerReader('GET');
  expect(endless.read(Buffer.from('HTTP/1.1 200 OK\r\n\r\nabc'))).toBeNull();
  expect(endless.end()).toEqual({ status: 200, reusable: false });

  const cut = createAnswerReader('GET');
  expect(cut.read(Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nabc'))).toBeNull();
  expect(cut.end()).toBeNull();
});

test('a connection that the server closes after the answer is not used again', () => {
  const answer = createAnswerReader('GET').read(
    Buffer.from('HTTP/1.1 503 Busy\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n'),
  );
  expect(answer).toEqual({ status: 503, reusable: false });
});

test('bytes that are not an answer are refused', () => {
  expect(() => createAnswerReader('GET').read(Buffer.from('SSH-2.0-x\r\n\r\n'))).toThrow('not an answer');
});
