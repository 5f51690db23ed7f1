import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBody } from '../../../../gateway/describe/http/body.ts';
import type { AgentRequest, BodyReader } from '../../../../gateway/domain/message.ts';
import { NodeRequest } from '../../../../gateway/wire/node-message.ts';
import { createWire } from './wire.ts';

const LIMIT = 100_000;
const head = (...lines: string[]) => `POST / HTTP/1.1\r\nHost: a\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

describe('reading a body', () => {
  let wire: Awaited<ReturnType<typeof createWire>>;
  beforeAll(async () => {
    wire = await createWire((request) => readBody(new NodeRequest(request), LIMIT));
  });
  afterAll(() => wire.close());

  test('a body is read as its exact bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const outcome = await wire.send(Buffer.concat([Buffer.from(head('Content-Length: 256')), bytes]));
    expect(outcome).toEqual({ by: 'nobody', value: bytes });
  });

  test('a chunked body is read without its framing', async () => {
    const outcome = await wire.send(
      `${head('Transfer-Encoding: chunked')}3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n`,
    );
    expect(outcome).toEqual({ by: 'nobody', value: Buffer.from('abcde') });
  });

  test('a body that comes in pieces is read when it is complete', async () => {
    const outcome = await wire.send(`${head('Content-Length: 6')}abc`, async (socket) => {
      await new Promise(setImmediate);
      socket.write('def');
    });
    expect(outcome).toEqual({ by: 'nobody', value: Buffer.from('abcdef') });
  });

  test('pieces whose memory nobody else uses are freed once they are copied', async () => {
    const bytes = (text: string) => Buffer.from(new TextEncoder().encode(text).buffer);
    const read = (...pieces: readonly [Buffer, boolean][]) =>
      readBody(
        {
          headers: { 'content-length': '6' },
          readBody(reader: BodyReader) {
            for (const [piece, isOwn] of pieces) reader.piece(piece, isOwn);
            reader.end();
          },
        } as AgentRequest,
        LIMIT,
      );
    const [own, shared, whole] = [bytes('abc'), bytes('def'), bytes('abcdef')];
    expect(String(await read([own, true], [shared, false]))).toBe('abcdef');
    expect([own.length, shared.length]).toEqual([0, 3]);
    expect(String(await read([whole, true]))).toBe('abcdef');
    expect(whole.length).toBe(6);
  });

  test.each([
    ['no length', head()],
    ['a length of zero', head('Content-Length: 0')],
    ['chunks without content', `${head('Transfer-Encoding: chunked')}0\r\n\r\n`],
  ])('a body is empty if the request has %s', async (_, raw) => {
    expect(await wire.send(raw)).toEqual({ by: 'nobody', value: Buffer.alloc(0) });
  });

  test('a body of exactly the limit is accepted', async () => {
    const outcome = await wire.send(head(`Content-Length: ${LIMIT}`) + 'a'.repeat(LIMIT));
    expect(outcome).toMatchObject({ by: 'nobody' });
    expect(outcome.by === 'nobody' && (outcome.value as Buffer).length).toBe(LIMIT);
  });

  test('a length over the limit is refused before any byte of the body has arrived', async () => {
    const outcome = await wire.send(head(`Content-Length: ${LIMIT + 1}`));
    expect(outcome).toMatchObject({ by: 'holdpoint', problem: { code: 'body-too-large', status: 413 } });
  });

  test('chunks over the limit are refused while they arrive', async () => {
    const chunk = `1000\r\n${'a'.repeat(4096)}\r\n`;
    const outcome = await wire.send(head('Transfer-Encoding: chunked') + chunk.repeat(25));
    expect(outcome).toMatchObject({ by: 'holdpoint', problem: { code: 'body-too-large' } });
  });

  test('reading a body fails when the client disconnects in the middle', async () => {
    const read = Promise.withResolvers<unknown>();
    const cut = await createWire((request) => {
      const body = readBody(new NodeRequest(request), LIMIT);
      request.once('data', () => read.resolve(undefined));
      void body.catch((problem: unknown) => broken.resolve(problem));
      return body;
    });
    const broken = Promise.withResolvers<unknown>();
    await cut.send(`${head('Content-Length: 10')}abc`, async (socket) => {
      await read.promise;
      socket.destroy();
      await once(socket, 'close');
    });
    expect(await broken.promise).toMatchObject({ code: 'bad-request' });
    await cut.close();
  });
});
