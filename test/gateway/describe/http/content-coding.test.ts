import * as fc from 'fast-check';
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeBody } from '../../../../gateway/describe/http/content-coding.ts';
import { Problem } from '../../../../gateway/domain/problem.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';
import { heldCall, notAmended } from './held.ts';

const JSON_BODY = '{"amount": 50}';
const LIMIT = 64 * 1024;

const ENCODERS: readonly (readonly [string, (data: Buffer) => Buffer])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  // Without the zlib header, as some clients send it.
  ['deflate', deflateRawSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
  ['zstd', (data) => zstdCompressSync(data, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
  ['deflate, gzip', (data) => gzipSync(deflateSync(data))],
  ['identity', (data) => data],
  ['aws-chunked', (data) => awsChunks(data)],
  ['aws-chunked,gzip', (data) => awsChunks(gzipSync(data))],
];

/** What S3's SDKs send: signed chunks, and checksums after them. */
function awsChunks(data: Buffer, trailers = 'x-amz-checksum-crc32:AAAAAA==\r\n'): Buffer {
  const signature = `chunk-signature=${'a'.repeat(64)}`;
  const head = data.length > 0 ? `${data.length.toString(16)};${signature}\r\n` : '';
  const end = data.length > 0 ? '\r\n' : '';
  return Buffer.concat([Buffer.from(head), data, Buffer.from(`${end}0;${signature}\r\n${trailers}\r\n`)]);
}

const decode = (coding: string, body: Buffer, limit = LIMIT) => decodeBody(body, coding, limit);
async function problemOf(decoding: Promise<Buffer>): Promise<Problem> {
  const reason = await decoding.then(
    () => null,
    (error: unknown) => error,
  );
  if (reason instanceof Problem) return reason;
  throw new Error(`refused with ${String(reason)}`);
}

describe('a body with a content coding', () => {
  test.each(ENCODERS)('is decoded from %s', async (coding, encode) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (data) => {
        const bytes = Buffer.from(data);
        expect(await decode(coding, encode(bytes))).toEqual(bytes);
      }),
      { numRuns: 20 },
    );
  });

  test.each(ENCODERS.filter(([coding]) => !/aws|identity/.test(coding)))(
    'is refused when %s makes more than the limit of it (decompression bomb)',
    async (coding, encode) => {
      const bomb = encode(Buffer.alloc(50_000_000));
      expect(await problemOf(decode(coding, bomb))).toMatchObject({ code: 'body-too-large', status: 413 });
    },
  );

  test.each(ENCODERS.filter(([coding]) => coding !== 'identity'))(
    'is refused when its data in %s is cut, or goes on after the end',
    async (coding, encode) => {
      const whole = encode(Buffer.from(JSON_BODY));
      for (const body of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from([0])]), Buffer.from(JSON_BODY)]) {
        expect(await problemOf(decode(coding, body))).toMatchObject({ code: 'bad-body' });
      }
    },
  );

  test.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)(
    'is refused when %s has two parts, of which some decoders read only the first',
    async (coding, encode) => {
      const body = Buffer.concat([encode(Buffer.from('amount=1')), encode(Buffer.from('00'))]);
      expect(await problemOf(decode(coding, body))).toMatchObject({ code: 'bad-body' });
    },
  );

  test('is refused when zstd needs a window over 8 MiB (RFC 9659)', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 };
    const body = zstdCompressSync(Buffer.alloc(20_000_000), { params });
    expect(await problemOf(decode('zstd', body, 2 ** 30))).toMatchObject({ code: 'bad-body' });
  });

  test.each([
    ['a size that is none', 'zz\r\na\r\n0\r\n\r\n'],
    ['a size that is too small', '1\r\nab\r\n0\r\n\r\n'],
    ['a size that is too large', 'ffffffff\r\nab\r\n0\r\n\r\n'],
    ['another extension', '1;x=y\r\na\r\n0\r\n\r\n'],
    ['bare line feeds', '1\na\n0\n\n'],
    ['no last chunk', '1\r\na\r\n'],
    ['another trailer', '1\r\na\r\n0\r\nhost:b\r\n\r\n'],
  ])('is refused when it has AWS chunks with %s', async (_what, body) => {
    expect(await problemOf(decode('aws-chunked', Buffer.from(body)))).toMatchObject({ code: 'bad-body' });
  });

  test('cannot be edited by a reviewer', () => {
    const call = heldCall('application/json', JSON_BODY);
    const compressed = { ...call, headers: [...call.headers, 'Content-Encoding', 'gzip'] };
    expect(notAmended(compressed, { amount: 1 }, ['']).detail).toMatch(/sent the body compressed/);
  });
});

describe('a compressed call', () => {
  const REGO = `package rules.payments

allow contains {"rule": "small"} if input.action.body.amount <= 100

allow contains {"rule": "upload"} if {
	input.action.method == "PUT"
	not input.action.body
}
`;
  let upstream: Upstream;
  let plane: DataPlane;
  beforeAll(async () => {
    upstream = await startUpstream();
    const systems = { payments: { upstream: upstream.url, body_limit: '64KiB' } };
    plane = await startDataPlane({ systems, rego: { 'rules/payments.rego': REGO } });
  });
  afterAll(async () => {
    await plane.close();
    await upstream.close();
  });

  const send = (body: Buffer, coding: string, type = 'application/json') =>
    fetch(`${plane.url}/payments/v1/pay`, {
      method: type === 'application/json' ? 'POST' : 'PUT',
      body: Uint8Array.from(body),
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type, 'content-encoding': coding },
    });

  test.each(ENCODERS)(
    'is judged by what it means and sent as it came: %s (elastic/elasticsearch#65273)',
    async (coding, encode) => {
      const small = encode(Buffer.from(JSON_BODY));
      expect((await send(small, coding)).status).toBe(200);
      expect(upstream.received.at(-1)!.body).toEqual(small);
      expect(upstream.received.at(-1)!.headers['content-encoding']).toBe(coding);

      const sent = upstream.received.length;
      expect((await send(encode(Buffer.from('{"amount": 500}')), coding)).status).toBe(403);
      expect((await send(encode(Buffer.from('{"amount":1,"amount":2}')), coding)).status).toBe(400);
      expect(upstream.received.length).toBe(sent);
    },
  );

  test('is refused when it is a bomb', async () => {
    const bomb = gzipSync(Buffer.from(`{"amount":1,"x":"${'x'.repeat(100_000)}"}`));
    expect(bomb.length).toBeLessThan(1000);
    expect((await send(bomb, 'gzip')).status).toBe(413);
  });

  test.each([
    ['an envelope of sentry-sdk', 'application/x-sentry-envelope', 'gzip'],
    ['traces of OpenTelemetry', 'application/x-protobuf', 'gzip'],
    ['an upload of an S3 SDK (versity/versitygw#2274)', 'application/octet-stream', 'aws-chunked'],
  ])('is sent when policy cannot read its type: %s', async (_what, type, coding) => {
    const data = Buffer.from([0x1f, 0x8b, 0, 0xff]);
    const body = coding === 'gzip' ? gzipSync(data) : awsChunks(data);
    expect((await send(body, coding, type)).status).toBe(200);
    expect(upstream.received.at(-1)!.body).toEqual(body);
  });

  test('is judged as JSON too when its type says something else', async () => {
    const large = gzipSync(Buffer.from('{"amount": 500}'));
    expect((await send(large, 'gzip', 'text/plain')).status).toBe(403);
  });
});
