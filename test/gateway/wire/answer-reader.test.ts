import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AnswerReader } from '../../../gateway/wire/answer-reader.ts';

/** An answer as the reader read it. */
type Understood = {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
};

/**
 * The result of reading bytes: the answer, the surplus after it, and how long the connection may be kept; or a refusal.
 */
type Reading = (Understood & { readonly surplus: string; readonly idle: number }) | 'refused' | 'unfinished';

/** Reads `bytes` cut into pieces that end at `cuts`; with `closed`, the upstream then closes its side. */
function readCut(bytes: Buffer, cuts: readonly number[], { method = 'GET', closed = false } = {}): Reading {
  let status = 0;
  let fields: readonly string[] = [];
  const pieces: Buffer[] = [];
  const reader = new AnswerReader({
    head: (code, names) => {
      if (code >= 200) [status, fields] = [code, names];
    },
    data: (piece) => void pieces.push(piece),
  });
  // As on a connection, the next read overwrites the buffer.
  const buffer = Buffer.alloc(bytes.length);
  let from = 0;
  reader.begin(method);
  try {
    for (const to of [...cuts, bytes.length]) {
      bytes.copy(buffer, 0, from, to);
      const taken = reader.read(buffer, to - from);
      buffer.fill('#');
      if (reader.ended) {
        const surplus = bytes.toString('latin1', from + taken);
        return { ...understood(), surplus, idle: reader.idle };
      }
      from = to;
    }
    if (!closed) return 'unfinished';
    reader.close();
    return { ...understood(), surplus: '', idle: reader.idle };
  } catch {
    return 'refused';
  }

  function understood(): Understood {
    return { status, fields, body: Buffer.concat(pieces).toString('latin1'), trailers: reader.trailers };
  }
}

/**
 * Reads it whole, byte by byte, and cut once at every place (at every hundredth of a long one). All readings must
 * agree.
 */
function readEveryWay(bytes: string, options: { method?: string; closed?: boolean } = {}): Reading {
  const buffer = Buffer.from(bytes, 'latin1');
  const whole = readCut(buffer, [], options);
  const places = Array.from({ length: buffer.length }, (_, i) => i);
  expect(readCut(buffer, places.slice(1), options)).toEqual(whole);
  const step = places.length > 2000 ? 100 : 1;
  const some = places.filter((place) => place % step === 0);
  const read = (place: number) => JSON.stringify(readCut(buffer, [place], options));
  expect(some.filter((place) => read(place) !== JSON.stringify(whole))).toEqual([]);
  return whole;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const answer = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;

describe('answers cut into pieces', () => {
  const NONE = { status: 200, fields: [], body: '', trailers: [], surplus: '', idle: 4000 };
  const TE = ['Transfer-Encoding', 'chunked'];
  test.each<[string, string, Partial<Exclude<Reading, string>>, { method?: string; closed?: boolean }?]>([
    ['with a length', `${OK}Content-Length: 5\r\n\r\nhello`, { fields: ['Content-Length', '5'], body: 'hello' }],
    ['with a length of 0', `${OK}content-length: 0\r\n\r\n`, { fields: ['content-length', '0'] }],
    ['without a reason', `HTTP/1.1 204\r\n\r\n`, { status: 204 }],
    ['with an empty reason', `HTTP/1.1 204 \r\n\r\n`, { status: 204 }],
    ['with a reason of any letters', `HTTP/1.1 204 Caf\xe9\tn\xf6\r\n\r\n`, { status: 204 }],
    [
      'with a status of its own',
      `HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n`,
      { status: 999, fields: ['content-length', '0'] },
    ],
    [
      'with spaces around values, empty ones and repeated names',
      `${OK}A:\t x y \t\r\nA:\r\nB: caf\xe9:1\r\ncontent-length:0\r\n\r\n`,
      { fields: ['A', 'x y', 'A', '', 'B', 'caf\xe9:1', 'content-length', '0'] },
    ],
    ['in one chunk', `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`, { fields: TE, body: 'hello' }],
    [
      'in several chunks',
      `${CHUNKED}1\r\nh\r\n0000B\r\nello\r\n, you\r\n0\r\n\r\n`,
      { fields: TE, body: 'hello\r\n, you' },
    ],
    ['in chunks with extensions', `${CHUNKED}2;a=b;c="d;e"\r\nhi\r\n0;last\r\n\r\n`, { fields: TE, body: 'hi' }],
    [
      'in chunks with trailers',
      `${CHUNKED}2\r\nhi\r\n0\r\nX-Sum: 1\r\nX-Two:\r\n\r\n`,
      { fields: TE, body: 'hi', trailers: ['X-Sum', '1', 'X-Two', ''] },
    ],
    ['in no chunks', `${CHUNKED}0\r\n\r\n`, { fields: TE }],
    [
      'in chunks, spelled otherwise',
      `${OK}TRANSFER-encoding: Chunked\r\n\r\n0\r\n\r\n`,
      { fields: ['TRANSFER-encoding', 'Chunked'] },
    ],
    ['up to the end of the connection', `${OK}\r\nall of it`, { body: 'all of it', idle: 0 }, { closed: true }],
    ['up to an end that comes at once', `${OK}\r\n`, { idle: 0 }, { closed: true }],
    [
      'of HTTP/1.0',
      `HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi`,
      { fields: ['content-length', '2'], body: 'hi', idle: 0 },
    ],
    [
      'of HTTP/1.0 that would be kept',
      `HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n`,
      { fields: ['connection', 'keep-alive', 'content-length', '0'], idle: 0 },
    ],
    [
      'after interim ones',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n`,
      { status: 204 },
    ],
    ['to HEAD', `${OK}content-length: 1000\r\n\r\n`, { fields: ['content-length', '1000'] }, { method: 'HEAD' }],
    ['to HEAD, in chunks', CHUNKED, { fields: TE }, { method: 'HEAD' }],
    [
      '304 with the length that there would be',
      `HTTP/1.1 304 Same\r\ncontent-length: 9\r\n\r\n`,
      { status: 304, fields: ['content-length', '9'], idle: 0 },
    ],
    [
      '204 with chunks that must not be',
      `HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      { status: 204, fields: ['transfer-encoding', 'chunked'], surplus: '0\r\n\r\n', idle: 0 },
    ],
    [
      'that closes',
      answer('HTTP/1.1 204 No', 'Connection: foo, Close'),
      { status: 204, fields: ['Connection', 'foo, Close'], idle: 0 },
    ],
    [
      'kept for less than we would',
      answer('HTTP/1.1 204 No', 'Keep-Alive: timeout=3, max=9'),
      { status: 204, fields: ['Keep-Alive', 'timeout=3, max=9'], idle: 2000 },
    ],
    [
      'kept for longer than we would',
      answer('HTTP/1.1 204 No', 'Keep-Alive: timeout=75'),
      { status: 204, fields: ['Keep-Alive', 'timeout=75'] },
    ],
    [
      'kept for too short a time',
      answer('HTTP/1.1 204 No', 'Keep-Alive: max=5,timeout=1'),
      { status: 204, fields: ['Keep-Alive', 'max=5,timeout=1'], idle: 0 },
    ],
    [
      'before another that nobody asked for',
      `${OK}content-length: 2\r\n\r\nok${OK}\r\n`,
      { fields: ['content-length', '2'], body: 'ok', surplus: `${OK}\r\n` },
    ],
  ])('an answer %s is read the same wherever it is cut', (_what, bytes, expected, options) => {
    const reading = readEveryWay(bytes, options) as Exclude<Reading, string>;
    expect(reading).toEqual({ ...NONE, ...expected });
  });
});

describe('invalid answers', () => {
  const LONG = 'x'.repeat(64 * 1024);
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH\r\n'],
    ['another protocol without any line end', 'RTSP'],
    ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['lower case', 'http/1.1 200 OK\r\n\r\n'],
    ['an empty line before', `\r\n${OK}content-length: 0\r\n\r\n`],
    ['two spaces', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['a tab for a space', 'HTTP/1.1\t200 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['101', answer('HTTP/1.1 101 Switching', 'connection: upgrade', 'upgrade: x')],
    ['101 interim answers', 'HTTP/1.1 102 Wait\r\n\r\n'.repeat(101)],
    ['a bare LF after the status line', 'HTTP/1.1 200 OK\ncontent-length: 0\r\n\r\n'],
    ['bare LFs alone', 'HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
    ['a bare CR in a value', `${OK}a: b\rc\r\n\r\n`],
    ['a CR before the line end', `${OK}a: b\r\r\n\r\n`],
    ['a NUL in a value', `${OK}a: b\0c\r\n\r\n`],
    ['a NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n'],
    ['a control character in a value', `${OK}a: b\x01\r\n\r\n`],
    ['DEL in a value', `${OK}a: b\x7f\r\n\r\n`],
    ['a folded line', `${OK}a: b\r\n c\r\n\r\n`],
    ['a line folded with a tab', `${OK}a: b\r\n\tc\r\n\r\n`],
    ['a fold after the status line', `${OK} a: b\r\n\r\n`],
    ['a space before the colon', `${OK}content-length : 0\r\n\r\n`],
    ['no name', `${OK}: b\r\n\r\n`],
    ['no colon', `${OK}content-length\r\n\r\n`],
    ['no colon before the next line', `${OK}abc\r\na: b\r\n\r\n`],
    ['a name that is no token', `${OK}a(b: c\r\n\r\n`],
    ['a name of other letters', `${OK}caf\xe9: c\r\n\r\n`],
    ['a head that is too long', `${OK}a: ${LONG}\r\n\r\n`],
    ['a head that does not end', `${OK}a: ${LONG}`],
    ...['', '+5', '-1', '5 5', '5,5', '0x5', '5.0', '1e3', '\xb2', '9'.repeat(16)].map((length) => [
      `the length ${JSON.stringify(length)}`,
      `${OK}content-length: ${length}\r\n\r\nhello`,
    ]),
    ['two lengths', `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`],
    ['one length twice', `${OK}content-length: 2\r\nContent-Length: 2\r\n\r\nab`],
    ['a length and chunks', `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`],
    ['another coding', `${OK}transfer-encoding: gzip\r\n\r\n`],
    ['codings one over another', `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked twice', `${OK}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['chunked in two lines', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunked with something behind', `${OK}transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n`],
    ['no coding', `${OK}transfer-encoding:\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk without a size', `${CHUNKED}\r\nhello`],
    ['a chunk whose size is only an extension', `${CHUNKED};a\r\nhello`],
    ['a negative size', `${CHUNKED}-1\r\nhello`],
    ['a size with 0x', `${CHUNKED}0x5\r\nhello\r\n`],
    ['a size with a space before', `${CHUNKED} 5\r\nhello\r\n`],
    ['a size with a space behind', `${CHUNKED}5 \r\nhello\r\n`],
    ['a size that no number holds', `${CHUNKED}${'f'.repeat(14)}\r\n`],
    ['a bare LF after a size', `${CHUNKED}5\nhello\r\n0\r\n\r\n`],
    ['a bare CR after a size', `${CHUNKED}5\rhello\r\n`],
    ['a bare LF in an extension', `${CHUNKED}5;a\nhello\r\n`],
    ['a NUL in an extension', `${CHUNKED}5;\0\r\nhello\r\n`],
    ['an extension that is too long', `${CHUNKED}5;${'x'.repeat(1024)}\r\nhello\r\n`],
    ['a chunk that is longer than it said', `${CHUNKED}5\r\nhello!\r\n0\r\n\r\n`],
    ['a chunk that ends with a bare LF', `${CHUNKED}5\r\nhello\n0\r\n\r\n`],
    ['a chunk that ends with a bare CR', `${CHUNKED}5\r\nhello\r0\r\n\r\n`],
    ['a trailer without a colon', `${CHUNKED}0\r\nabc\r\n\r\n`],
    ['a folded trailer', `${CHUNKED}0\r\na: b\r\n c\r\n\r\n`],
    ['a bare LF after a trailer', `${CHUNKED}0\r\na: b\n\r\n\r\n`],
    ['a bare CR for the end of the trailers', `${CHUNKED}0\r\n\rx\r\n\r\n`],
    ['a LF for the beginning of the trailers', `${CHUNKED}0\r\n\na: b\r\n\r\n`],
    ['trailers that are too long', `${CHUNKED}0\r\na: ${LONG}\r\n\r\n`],
  ])('an answer with %s is refused wherever it is cut', (_what, bytes) => {
    expect(readEveryWay(bytes)).toBe('refused');
  });

  test.each([
    ['nothing at all', ''],
    ['half a status line', 'HTTP/1.1 20'],
    ['half a head', `${OK}content-length: 5\r\n`],
    ['an interim answer alone', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['half a counted body', `${OK}content-length: 5\r\n\r\nhell`],
    ['half a chunk', `${CHUNKED}5\r\nhell`],
    ['chunks without the last', `${CHUNKED}5\r\nhello\r\n`],
    ['chunks without the end of the trailers', `${CHUNKED}5\r\nhello\r\n0\r\n`],
    ['half a trailer', `${CHUNKED}0\r\na: b\r\n`],
  ])('an answer is incomplete if the connection ends after %s', (_what, bytes) => {
    expect(readEveryWay(bytes)).toBe('unfinished');
    expect(readEveryWay(bytes, { closed: true })).toBe('refused');
  });
});

test('a reader begins each answer anew', () => {
  const seen: unknown[] = [];
  const reader = new AnswerReader({
    head: (status) => void seen.push(status),
    data: (piece) => void seen.push(piece.toString()),
  });
  const read = (method: string, bytes: string) => {
    reader.begin(method);
    const buffer = Buffer.from(bytes);
    expect(reader.read(buffer, buffer.length)).toBe(buffer.length);
    expect(reader.ended).toBe(true);
    seen.push(reader.trailers, reader.idle);
  };
  read('GET', `${CHUNKED}1\r\na\r\n0\r\nx: y\r\n\r\n`);
  read('HEAD', `${OK}content-length: 3\r\n\r\n`);
  read('GET', 'HTTP/1.1 201 Made\r\ncontent-length: 3\r\nkeep-alive: timeout=2\r\n\r\nabc');
  read('GET', `${CHUNKED}2\r\nbc\r\n0\r\n\r\n`);
  expect(seen).toEqual([200, 'a', ['x', 'y'], 4000, 200, [], 4000, 201, 'abc', [], 1000, 200, 'bc', [], 4000]);
});

describe("comparison with node's own client", () => {
  let server: Server;
  /** The server's next answer. */
  let sent: Buffer = Buffer.alloc(0);

  beforeAll(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(sent));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });

  afterAll(() => void server?.close());

  /** The bytes as node's client reads them; null when it refuses them. */
  async function askNode(bytes: Buffer, method: string): Promise<Understood | null> {
    sent = bytes;
    const { port } = server.address() as AddressInfo;
    const request = httpRequest({ host: '127.0.0.1', port, method, agent: false });
    try {
      return await new Promise<Understood>((resolve, reject) => {
        request.on('error', reject);
        request.once('upgrade', () => reject(new Error('upgrade')));
        request.once('response', (response: IncomingMessage) => {
          const pieces: Buffer[] = [];
          response.on('data', (piece: Buffer) => pieces.push(piece));
          response.on('error', reject);
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              fields: response.rawHeaders,
              body: Buffer.concat(pieces).toString('latin1'),
              trailers: response.rawTrailers,
            }),
          );
        });
        request.end();
      });
    } catch {
      return null;
    } finally {
      request.destroy();
    }
  }

  const letters = (charset: string, minLength: number, maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...charset), minLength, maxLength });
  const name = letters("abzAZ09-_!#$%&'*+.^`|~", 1, 12).filter(
    (each) => !/^(content-length|transfer-encoding|connection|keep-alive|upgrade)$/i.test(each),
  );
  const value = letters('ab Z09\t",;=:()/\\<>@[]{}?\x80\xe9\xff', 0, 20).map((each) =>
    each.replace(/^[ \t]+|[ \t]+$/g, ''),
  );
  const fields = fc.array(fc.tuple(name, value), { maxLength: 5 });
  const lines = (all: readonly (readonly [string, string])[]) => all.map(([n, v]) => `${n}: ${v}\r\n`).join('');
  const body = fc.string({ unit: fc.constantFrom(...'ab\r\n\0:0;5\xff'), maxLength: 40 });
  const chunks = fc.array(
    body.filter((each) => each.length > 0),
    { maxLength: 4 },
  );
  const extension = fc.constantFrom('', '', ';a', ';a=b', ';a="b c"');

  const framed = fc.oneof(
    body.map((text) => [`Content-Length: ${text.length}\r\n`, text]),
    fc
      .tuple(chunks, extension, fields)
      .map(([all, ext, trailers]) => [
        'Transfer-Encoding: chunked\r\n',
        `${all.map((each) => `${each.length.toString(16)}${ext}\r\n${each}\r\n`).join('')}0\r\n${lines(trailers)}\r\n`,
      ]),
    body.map((text) => ['', text]),
  );
  const wellFormed = fc
    .tuple(
      fc.boolean(),
      fc.constantFrom(200, 201, 204, 299, 304, 400, 404, 500, 599),
      letters('abc DE', 0, 10),
      fields,
      framed,
      fields,
      fc.constantFrom('GET', 'POST', 'HEAD'),
    )
    .map(([interim, status, reason, before, [framing, content], after, method]) => {
      const head = `HTTP/1.1 ${status} ${reason}\r\n${lines(before)}${framing}${lines(after)}\r\n`;
      const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
      const text = `${interim ? 'HTTP/1.1 103 Early\r\nlink: <a>\r\n\r\n' : ''}${head}${hasBody ? content : ''}`;
      return { bytes: Buffer.from(text, 'latin1'), method };
    });
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
  const placesIn = (bytes: Buffer, all: readonly number[]) =>
    all.map((each) => Math.floor(each * bytes.length)).toSorted((a, b) => a - b);

  test('the reader reads every well-formed answer as node does', async () => {
    await fc.assert(
      fc.asyncProperty(wellFormed, cuts, async ({ bytes, method }, at) => {
        const reading = readCut(bytes, placesIn(bytes, at), { method, closed: true });
        expect(reading).toEqual({ ...(await askNode(bytes, method))!, surplus: '', idle: expect.any(Number) });
      }),
      { numRuns: 200 },
    );
  });

  test('the reader refuses every damaged answer that node refuses, and reads no other differently', async () => {
    const damage = fc.record({
      place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      removed: fc.integer({ min: 0, max: 2 }),
      put: letters('\r\n\0 \t:;,05aAF\x7f\x80', 0, 2),
    });
    await fc.assert(
      fc.asyncProperty(wellFormed, damage, cuts, async ({ bytes, method }, { place, removed, put }, at) => {
        const from = Math.floor(place * bytes.length);
        const parts = [bytes.subarray(0, from), Buffer.from(put, 'latin1'), bytes.subarray(from + removed)];
        const damaged = Buffer.concat(parts);
        const reading = readCut(damaged, placesIn(damaged, at), { method, closed: true });
        if (reading === 'refused') return;
        const { surplus, idle: _idle, ...understood } = reading as Exclude<Reading, string>;
        const end = damaged.length - surplus.length;
        expect(await askNode(damaged.subarray(0, end), method)).toEqual(understood);
      }),
      { numRuns: 300 },
    );
  });
});
