import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFramingCheck } from '../../../../gateway/describe/http/framing.ts';
import { createHeaderRoles } from '../../../../gateway/domain/header-roles.ts';
import { testSystem } from './arrival.ts';
import { createWire } from './wire.ts';

type Case = readonly [attack: string, head: string, by: 'node' | 'holdpoint', detail?: RegExp];

const post = (...lines: string[]) => `POST /payments/v1/refunds HTTP/1.1\r\nHost: a\r\n${lines.join('\r\n')}\r\n\r\n`;
const get = (...lines: string[]) =>
  `GET /payments/v1/refunds HTTP/1.1\r\n${['Host: a', ...lines].join('\r\n')}\r\n\r\n`;
const line = (text: string) => `${text}\r\nHost: a\r\n\r\n`;
const EMPTY_CHUNKS = '0\r\n\r\n';

const CASES: readonly Case[] = [
  ['CL.TE smuggling', post('Content-Length: 5', 'Transfer-Encoding: chunked') + EMPTY_CHUNKS, 'node'],
  ['TE.CL smuggling', post('Transfer-Encoding: chunked', 'Content-Length: 5') + EMPTY_CHUNKS, 'node'],
  ['CL.CL smuggling', `${post('Content-Length: 2', 'Content-Length: 3')}ab`, 'node'],
  ['two equal lengths', `${post('Content-Length: 2', 'Content-Length: 2')}ab`, 'node'],
  ['a list of lengths', `${post('Content-Length: 2, 2')}ab`, 'node'],
  ['a length with a plus', `${post('Content-Length: +2')}ab`, 'node'],
  ['a negative length', `${post('Content-Length: -2')}ab`, 'node'],
  ['a hexadecimal length', `${post('Content-Length: 0x2')}ab`, 'node'],
  ['an overflowing length', `${post('Content-Length: 99999999999999999999999')}ab`, 'node'],
  ['an octal length', `${post('Content-Length: 02')}ab`, 'holdpoint', /leading zeros/],
  [
    'TE.TE with another coding first',
    post('Transfer-Encoding: gzip, chunked') + EMPTY_CHUNKS,
    'holdpoint',
    /other than chunked/,
  ],
  [
    'TE.TE with two lines',
    post('Transfer-Encoding: identity', 'Transfer-Encoding: chunked') + EMPTY_CHUNKS,
    'holdpoint',
    /Transfer-Encoding/,
  ],
  ['TE.TE with chunked twice', post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked') + EMPTY_CHUNKS, 'node'],
  ['TE.TE with chunked first', post('Transfer-Encoding: chunked, gzip') + EMPTY_CHUNKS, 'node'],
  ['an unknown transfer coding', post('Transfer-Encoding: xchunked') + EMPTY_CHUNKS, 'holdpoint', /other than chunked/],
  ['a quoted transfer coding', post('Transfer-Encoding: "chunked"') + EMPTY_CHUNKS, 'holdpoint', /other than chunked/],
  ['a transfer coding after a vertical tab', post('Transfer-Encoding: \x0bchunked') + EMPTY_CHUNKS, 'node'],
  ['a space before the colon', post('Transfer-Encoding : chunked') + EMPTY_CHUNKS, 'node'],
  ['a folded transfer coding', post('Transfer-Encoding:\r\n chunked') + EMPTY_CHUNKS, 'node'],
  ['a header behind a bare CR', post('X: a\rTransfer-Encoding: chunked') + EMPTY_CHUNKS, 'node'],
  ['a head of bare LF', 'GET / HTTP/1.1\nHost: a\nX: b\n\n', 'node'],
  ['a NUL in a header', get('X: a\0b'), 'node'],
  ['a space before the first header', 'GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n', 'node'],
  [
    'chunks on HTTP/1.0',
    `POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${EMPTY_CHUNKS}`,
    'holdpoint',
    /HTTP\/1\.1/,
  ],
  [
    'length in an underscore twin (CGI)',
    `${post('Content_Length: 9', 'Content-Length: 2')}ab`,
    'holdpoint',
    /without the header Content_Length/,
  ],
  ['HTTP/0.9', 'GET /payments\r\n\r\n', 'holdpoint', /HTTP\/1\.1/],
  ['HTTP/2.0 in the request line', line('GET / HTTP/2.0'), 'holdpoint', /HTTP\/1\.1/],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'node'],
  ['a method in lower case', line('get / HTTP/1.1'), 'node'],
  ['absolute-form', line('GET http://evil.example/x HTTP/1.1'), 'holdpoint', /path alone/],
  ['authority-form', line('GET evil.example:80 HTTP/1.1'), 'node'],
  ['asterisk-form', line('OPTIONS * HTTP/1.1'), 'holdpoint', /path alone/],
  ['CONNECT', line('CONNECT evil.example:80 HTTP/1.1'), 'node'],
  ['a target without a slash', line('GET payments HTTP/1.1'), 'node'],
  ['a raw byte beyond ASCII in the target', line('GET /caf\xe9 HTTP/1.1'), 'node'],
  ['a tab in the target', line('GET /a\tb HTTP/1.1'), 'node'],
  ['cross-site tracing', line('TRACE / HTTP/1.1'), 'holdpoint', /TRACE is not forwarded/],
  ['a body on TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab', 'holdpoint', /TRACE/],
  ['host confusion', get('Host: b'), 'holdpoint', /Host only once/],
  ['no host', 'GET / HTTP/1.1\r\n\r\n', 'node'],
  [
    'verb tampering',
    post('X-HTTP-Method-Override: DELETE', 'Content-Length: 0'),
    'holdpoint',
    /use that method instead/,
  ],
  [
    'verb tampering (Microsoft)',
    post('X-HTTP-Method: DELETE', 'Content-Length: 0'),
    'holdpoint',
    /use that method instead/,
  ],
  [
    'verb tampering (IBM)',
    post('x-method-override: DELETE', 'Content-Length: 0'),
    'holdpoint',
    /use that method instead/,
  ],
  [
    'verb tampering by an underscore twin',
    post('X_HTTP_Method_Override: DELETE'),
    'holdpoint',
    /use that method instead/,
  ],
  ['two content types', post('Content-Type: application/json', 'Content-Type: text/plain'), 'holdpoint', /only once/],
  ['two idempotency keys', post('Idempotency-Key: a', 'idempotency-key: a'), 'holdpoint', /only once/],
  ['two credentials', post('Authorization: Bearer a', 'Authorization: Bearer b'), 'holdpoint', /only once/],
  ['two accounts', post('Stripe-Account: a', 'Stripe-Account: b'), 'holdpoint', /only once/],
  ['an underscore twin of a judged header', post('Stripe_Account: b'), 'holdpoint', /without the header/],
  ['two tenants', post('Xero-Tenant-Id: a', 'Xero-Tenant-Id: b'), 'holdpoint', /only once/],
  ['two values of an unknown header', post('X-Mode: dry-run', 'x-mode: live'), 'holdpoint', /only once/],
  ['an unknown header and its underscore twin', post('X-Mode: dry-run', 'X_Mode: live'), 'holdpoint', /only once/],
  ['two values of a named header', post('X-Forwarded-User: a', 'X-Forwarded-User: b'), 'holdpoint', /only once/],
  ['hop-by-hop abuse of an unknown header', post('Connection: X-Mode', 'X-Mode: dry-run'), 'holdpoint', /Do not name/],
  [
    'hop-by-hop abuse',
    post('Connection: keep-alive, Idempotency-Key', 'Idempotency-Key: a'),
    'holdpoint',
    /Do not name/,
  ],
  [
    'hop-by-hop abuse of the length',
    post('Connection: content-length', 'Content-Length: 0'),
    'holdpoint',
    /Do not name/,
  ],
];

const PLAIN: readonly [sentence: string, head: string][] = [
  ['a GET', get('Accept: */*', 'Accept: text/html', 'Prefer: wait=5', 'Prefer: respond-async')],
  ['a POST with a length', `${post('Content-Length: 2', 'Content-Type: application/json')}{}`],
  ['a POST in chunks', post('Transfer-Encoding: Chunked') + EMPTY_CHUNKS],
  ['an HTTP/1.0 request', 'GET / HTTP/1.0\r\n\r\n'],
  ['a length of zero', post('Content-Length: 0')],
  ['several lines of Agent-Context', get('Agent-Context: task="a"', 'Agent-Context: flags=("b")')],
  ['the identity coding', post('Content-Encoding: identity', 'Content-Length: 0')],
  ['the coding gzip', post('Content-Encoding: gzip', 'Content-Length: 0')],
  ['several codings', post('Content-Encoding: deflate, BR,zstd', 'Content-Length: 0')],
  ['an upgrade', get('Connection: keep-alive, Upgrade', 'Upgrade: websocket')],
  ['a header with an underscore that is not sent', get('api_key: x')],
  ['a header with an underscore', get('client_id: x')],
  [
    'a connection that closes and takes trailers, as Ruby and Perl send it',
    get('Connection: TE, Close', 'TE: trailers'),
  ],
  ['several lines of baggage', get('baggage: a=1', 'baggage: b=2')],
  ['forty different headers', get(...Array.from({ length: 40 }, (_, index) => `X-Number-${index}: 1`))],
];

describe('the framing of a request', () => {
  let wire: Awaited<ReturnType<typeof createWire>>;
  beforeAll(async () => {
    wire = await createWire(createFramingCheck(createHeaderRoles(testSystem({ headers: ['x-forwarded-user'] }))));
  });
  afterAll(() => wire.close());

  test.each(CASES.filter(([, , by]) => by === 'node').map(([attack, raw]) => ({ attack, raw })))(
    'node refuses this attack: $attack',
    async ({ raw }) => {
      expect(await wire.send(raw)).toMatchObject({ by: 'node' });
    },
  );

  test.each(CASES.filter(([, , by]) => by === 'holdpoint').map(([attack, raw, , detail]) => ({ attack, raw, detail })))(
    'the gateway refuses this attack: $attack',
    async ({ raw, detail }) => {
      const outcome = await wire.send(raw);
      const message = expect.stringMatching(detail!);
      expect(outcome).toMatchObject({ by: 'holdpoint', problem: { code: 'bad-request', message } });
    },
  );

  test.each(PLAIN)('a request with plain framing is accepted: %s', async (_, raw) => {
    expect(await wire.send(raw)).toEqual({ by: 'nobody', value: undefined });
  });

  test.each(['compress', 'gzip, aes128gcm', 'gzip;q=1', 'gzip, gzip, gzip, gzip', 'aes128gcm', 'constructor', ''])(
    'the content coding "%s", which policy cannot read, is refused',
    async (coding) => {
      const outcome = await wire.send(post(`Content-Encoding: ${coding}`, 'Content-Length: 0'));
      expect(outcome).toMatchObject({ by: 'holdpoint', problem: { code: 'unsupported-encoding', status: 415 } });
    },
  );

  test('every header is still classified after a flood of unknown ones', async () => {
    for (let round = 0; round < 30; round++) {
      const flood = Array.from({ length: 50 }, (_, index) => `X-${round}-${index}: 1`);
      expect(await wire.send(get(...flood))).toMatchObject({ by: 'nobody' });
    }
    expect(await wire.send(get('X-HTTP-Method: DELETE'))).toMatchObject({ by: 'holdpoint' });
  });
});
