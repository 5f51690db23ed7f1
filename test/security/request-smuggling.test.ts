import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';
import { connectRaw, type RawAnswer } from './raw-agent.ts';

// A request to /forbidden at the upstream was smuggled, because policy blocks that path.
const REGO = `package rules.payments

allow contains {"rule": "all"}

block contains {"rule": "forbidden", "reason": "nobody goes there"} if input.action.path == "/forbidden"
`;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => {
    response.writeHead(200, { 'content-length': 2 }).end('ok');
  });
  const payments = { upstream: upstream.url, hosts: ['pay.example'], listen: '127.0.0.1:0', body_limit: '1KiB' };
  plane = await startDataPlane({ systems: { payments }, rego: { 'payments.rego': REGO } });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const AUTH = `Authorization: Bearer ${TOKEN}`;
const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`;
const get = (...lines: string[]) => head('GET /payments/items HTTP/1.1', 'Host: a', AUTH, ...lines);
const post = (...lines: string[]) =>
  head('POST /payments/pay HTTP/1.1', 'Host: a', AUTH, 'Content-Type: text/plain', ...lines);
const target = (path: string) => head(`GET ${path} HTTP/1.1`, 'Host: a', AUTH);
const CHUNKED = 'Transfer-Encoding: chunked';
const EMPTY_CHUNKS = '0\r\n\r\n';
const SMUGGLED = head('GET /payments/forbidden HTTP/1.1', 'Host: a', AUTH);
const FENCE = head('GET /payments/fence HTTP/1.1', 'Host: a', AUTH, 'Connection: close');

const sharedAddress = () => plane.url.slice('http://'.length);
const told = ({ method, url, body }: Received) => `${method} ${url} ${body.toString('latin1')}`.trim();

/**
 * Sends bytes on a connection of their own and then, if it is still open, a harmless call. A gateway out of step would
 * answer too often, or take that call for something else.
 */
async function attack(bytes: string, expected: number, address = sharedAddress()) {
  const before = upstream.received.length;
  const agent = await connectRaw(address);
  agent.send(bytes);
  const answers: RawAnswer[] = [];
  while (answers.length < expected) {
    const answer = await agent.answer();
    if (!answer) break;
    answers.push(answer);
  }
  agent.send(address === sharedAddress() ? FENCE : FENCE.replace('/payments', ''));
  const rest = await agent.rest();
  // On another connection, after which the upstream has seen everything sent before it.
  await fetch(`${plane.url}/payments/fence`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const arrived = upstream.received.slice(before).filter(({ url }) => url !== '/fence');
  return { answers, statuses: answers.map(({ status }) => status), rest, arrived };
}

type Case = readonly [attack: string, bytes: string];

describe('attacks that are refused with 400', () => {
  const cases: readonly Case[] = [
    ['CL.TE', `${post('Content-Length: 6', CHUNKED)}${EMPTY_CHUNKS}G`],
    ['TE.CL', `${post(CHUNKED, 'Content-Length: 4')}5c\r\n${SMUGGLED}`],
    ['TE.TE with an unknown coding', `${post('Transfer-Encoding: xchunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE with chunked first', `${post('Transfer-Encoding: chunked, identity')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE with chunked last', `${post('Transfer-Encoding: identity, chunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE with two lines', `${post(CHUNKED, 'Transfer-Encoding: identity')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE with chunked twice', `${post(CHUNKED, CHUNKED)}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE with a space before the colon', `${post('Transfer-Encoding : chunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE with a tab before the colon', `${post('Transfer-Encoding\t: chunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE behind a vertical tab', `${post('Transfer-Encoding: \x0bchunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE before a vertical tab', `${post('Transfer-Encoding: chunked\x0b')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE in quotes', `${post('Transfer-Encoding: "chunked"')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE folded', `${post('Transfer-Encoding:\r\n chunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE behind a bare LF', `${post('X: y\nTransfer-Encoding: chunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE.TE behind a bare CR', `${post('X: y\rTransfer-Encoding: chunked')}${EMPTY_CHUNKS}${SMUGGLED}`],
    ['TE with an underscore', `${post('Content-Length: 5', 'Transfer_Encoding: chunked')}${EMPTY_CHUNKS}`],
    ['TE on HTTP/1.0', head('POST /payments/pay HTTP/1.0', 'Host: a', AUTH, CHUNKED) + EMPTY_CHUNKS],
    [
      'TE on HTTP/1.0 with keep-alive',
      head('POST /payments/pay HTTP/1.0', 'Host: a', AUTH, 'Connection: keep-alive', CHUNKED) + EMPTY_CHUNKS,
    ],
    ['CL.CL with the same length', `${post('Content-Length: 2', 'Content-Length: 2')}ab`],
    ['CL.CL with two lengths', `${post('Content-Length: 0', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`],
    ['a list of lengths', `${post('Content-Length: 2, 2')}ab`],
    ['a length with a plus', `${post('Content-Length: +2')}ab`],
    ['an octal length', `${post('Content-Length: 010')}abcdefghij`],
    ['a length of two zeros', post('Content-Length: 00')],
    ['a hexadecimal length', `${post('Content-Length: 0x2')}ab`],
    ['a negative length', `${post('Content-Length: -2')}ab`],
    ['a length with a space in it', `${post('Content-Length: 2 2')}ab`],
    ['a length beyond 64 bits', `${post('Content-Length: 18446744073709551618')}ab`],
    ['an empty length', `${post('Content-Length: ')}${SMUGGLED}`],
    ['a length with an underscore', `${post('Content_Length: 9', 'Content-Length: 2')}ab`],
    ['bare LF at the end of a line', `GET /payments/items HTTP/1.1\nHost: a\r\n${AUTH}\r\n\r\n`],
    ['bare LF at the end of the head', `GET /payments/items HTTP/1.1\r\nHost: a\r\n${AUTH}\r\n\n${SMUGGLED}`],
    ['obs-fold', get('X-Note: a', ' Transfer-Encoding: chunked')],
    ['a space before the first header', head('GET /payments/items HTTP/1.1', ' Host: a', 'Host: a', AUTH)],
    ['a line without a colon', get('Transfer-Encoding')],
    ['a header without a name', get(': chunked')],
    ['a header name with a space', get('X Y: 1')],
    ['a header name with a NUL', get('X\0Y: 1')],
    ['a header value with a NUL', get('X: a\0b')],
    ['CRLF injection by a bare CR in a value', get('X: a\rY: b')],
    ['a chunk size beyond 64 bits', `${post(CHUNKED)}fffffffffffffffff\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk size with a plus', `${post(CHUNKED)}+2\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a negative chunk size', `${post(CHUNKED)}-2\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk size with 0x', `${post(CHUNKED)}0x2\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk size after a space', `${post(CHUNKED)} 2\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk size ended by bare LF', `${post(CHUNKED)}2\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk extension with a bare LF (TERM.EXT)', `${post(CHUNKED)}2;\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk extension with a bare CR', `${post(CHUNKED)}2;a\rb\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a chunk longer than its size', `${post(CHUNKED)}2\r\nabcd\r\n${EMPTY_CHUNKS}`],
    ['chunk data ended by bare LF (SPILL.TERM)', `${post(CHUNKED)}2\r\nab\n${EMPTY_CHUNKS}`],
    ['an endless chunk extension', `${post(CHUNKED)}2;${'x'.repeat(20_000)}\r\nab\r\n${EMPTY_CHUNKS}`],
    ['a length in the trailers', `${post(CHUNKED)}2\r\nab\r\n0\r\nContent-Length: 50\r\n\r\n`],
    ['authority-form', target('evil.example:80')],
    ['a target without a slash', target('payments/items')],
    ['a raw CR in the target', target('/payments/items\rX: y')],
    ['a raw NUL in the target', target('/payments/items\0')],
    ['a space in the target', target('/payments/items HTTP/1.1 /forbidden')],
    ['HTTP/2.0 in the request line', head('GET /payments/items HTTP/2.0', 'Host: a', AUTH)],
    ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown version', head('GET /payments/items HTTP/1.2', 'Host: a', AUTH)],
    ['a method in lower case', head('get /payments/items HTTP/1.1', 'Host: a', AUTH)],
    ['cross-site tracing', head('TRACE /payments/items HTTP/1.1', 'Host: a', AUTH)],
    ['no Host', head('GET /payments/items HTTP/1.1', AUTH)],
    ['two Hosts', get('Host: pay.example')],
    ['two credentials of one kind', get(`Authorization: Bearer ${TOKEN}`)],
    ['verb tampering by X-HTTP-Method-Override', `${post('X-HTTP-Method-Override: DELETE', 'Content-Length: 0')}`],
    ['verb tampering by X-Method-Override', `${post('X-Method-Override: DELETE', 'Content-Length: 0')}`],
    ['verb tampering by X_HTTP_Method_Override', `${post('X_HTTP_Method_Override: DELETE', 'Content-Length: 0')}`],
    ['verb tampering in the query', target('/payments/items?_method=DELETE')],
    ['hop-by-hop abuse of authorization', get('Connection: close, authorization')],
    ['hop-by-hop abuse of idempotency-key', get('Idempotency-Key: k', 'Connection: idempotency-key')],
    [
      'hop-by-hop abuse in a second line',
      get('Idempotency-Key: k', 'Connection: close', 'Connection: Idempotency-Key'),
    ],
    ['hop-by-hop abuse of content-type', `${post('Content-Length: 2', 'Connection: content-type')}ab`],
  ];

  test.each(cases)('a refused attack closes the connection and reaches no system: %s', async (_attack, bytes) => {
    const { statuses, rest, arrived } = await attack(bytes, 1);
    expect(statuses).toEqual([400]);
    expect(rest).toEqual([]);
    expect(arrived).toEqual([]);
  });

  test('a refused attack is answered with a problem that names its decision', async () => {
    const { answers } = await attack(post('Content-Length: 6', CHUNKED), 1);
    const [{ headers, body }] = answers as [RawAnswer];
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('holdpoint-verdict')).toBe('block');
    expect(JSON.parse(body)).toMatchObject({
      code: 'bad-request',
      status: 400,
      decision_id: headers.get('holdpoint-decision'),
    });
  });
});

describe('attacks that are refused in another way', () => {
  test.each([
    ['absolute-form names no system', target('http://evil.example/payments/items'), 404],
    ['asterisk-form names no system', head('OPTIONS * HTTP/1.1', 'Host: a', AUTH), 404],
    ['CRLF injection in the path', target('/payments/items%0d%0aX-Injected:%20yes'), 400],
    ['CRLF injection in the path, double-encoded', target('/payments/items%250d%250a'), 400],
    ['path traversal', target('/payments/x/../forbidden'), 400],
    ['path traversal, encoded', target('/payments/x/%2e%2e/forbidden'), 400],
    ['path traversal out of the system', target('/payments/..'), 400],
    ['a doubled slash', target('/payments//forbidden'), 403],
    ['a needlessly encoded path', target('/payments/%66orbidden'), 403],
    ['path parameters', target('/payments/forbidden;x'), 403],
    ['HTTP/0.9 has no credential', 'GET /payments/items\r\n\r\n', 401],
    ['an expectation other than 100-continue', get('Expect: a-miracle'), 417],
    ['a head beyond 64 KiB', get(`X: ${'x'.repeat(70_000)}`), 431],
    ['more than 1000 headers', get(...Array<string>(1001).fill('dnt:')), 431],
    ['more chunks than the limit allows', `${post(CHUNKED)}${`100\r\n${'x'.repeat(256)}\r\n`.repeat(5)}`, 413],
    ['a chunk of many terabytes', `${post(CHUNKED)}ffffffffffff\r\n${'x'.repeat(2000)}`, 413],
  ])('an attack is refused, and nothing reaches the system: %s', async (_attack, bytes, status) => {
    const { statuses, arrived } = await attack(bytes, 1);
    expect(statuses).toEqual([status]);
    expect(arrived).toEqual([]);
  });

  test('the connection of a CONNECT is closed without an answer', async () => {
    const { statuses, rest, arrived } = await attack(head('CONNECT evil.example:443 HTTP/1.1', 'Host: a', AUTH), 1);
    expect([statuses, rest, arrived]).toEqual([[], [], []]);
  });

  test.each([
    ['absolute-form', 'http://127.0.0.1/items'],
    ['asterisk-form', '*'],
  ])("%s on the system's own address is refused", async (_attack, form) => {
    const bytes = head(`OPTIONS ${form} HTTP/1.1`, 'Host: a', AUTH);
    const { statuses, arrived } = await attack(bytes, 1, plane.address('payments'));
    expect([statuses, arrived]).toEqual([[400], []]);
  });
});

describe('ordinary calls in an unusual form', () => {
  test.each<readonly [attack: string, bytes: string, statuses: readonly number[], arrived: readonly string[]]>([
    [
      'a tab before a value',
      `${post('Transfer-Encoding:\tchunked')}2\r\nab\r\n${EMPTY_CHUNKS}`,
      [200],
      ['POST /pay ab'],
    ],
    ['a chunk extension', `${post(CHUNKED)}2;a="b"\r\nab\r\n${EMPTY_CHUNKS}`, [200], ['POST /pay ab']],
    [
      'many small chunks',
      `${post(CHUNKED)}${'1\r\nx\r\n'.repeat(50)}${EMPTY_CHUNKS}`,
      [200],
      [`POST /pay ${'x'.repeat(50)}`],
    ],
    ['a pipelined call (CL.0)', `${post('Content-Length: 2')}ab${SMUGGLED}`, [200, 403], ['POST /pay ab']],
    ['a pipelined call (TE.0)', `${post(CHUNKED)}2\r\nab\r\n${EMPTY_CHUNKS}${SMUGGLED}`, [200, 403], ['POST /pay ab']],
    [
      'three pipelined calls',
      get() + SMUGGLED + target('/payments/last'),
      [200, 403, 200],
      ['GET /items', 'GET /last'],
    ],
    [
      'a call in the body of a call',
      post(`Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
      [200],
      [`POST /pay ${SMUGGLED.trim()}`],
    ],
    [
      'a call in the body of a GET',
      get(`Content-Length: ${SMUGGLED.length}`) + SMUGGLED,
      [200],
      [`GET /items ${SMUGGLED.trim()}`],
    ],
    [
      'HTTP/1.0 with keep-alive',
      head('GET /payments/items HTTP/1.0', AUTH, 'Connection: keep-alive'),
      [200],
      ['GET /items'],
    ],
    ['Host with a path', head('GET /payments/items HTTP/1.1', 'Host: evil.example/x', AUTH), [200], ['GET /items']],
    [
      'Host with a user',
      head('GET /payments/items HTTP/1.1', 'Host: pay.example@evil.example', AUTH),
      [200],
      ['GET /items'],
    ],
    ['a Host that is a system’s', head('GET /forbidden HTTP/1.1', 'Host: PAY.example:80', AUTH), [403], []],
  ])('a call is forwarded exactly as judged: %s', async (_attack, bytes, statuses, arrived) => {
    const outcome = await attack(bytes, statuses.length);
    expect(outcome.statuses).toEqual(statuses);
    expect(outcome.arrived.map(told)).toEqual(arrived);
    for (const { headers } of outcome.arrived) {
      expect(headers.host).toBe(`127.0.0.1:${upstream.port}`);
      expect(headers['transfer-encoding']).toBeUndefined();
    }
  });

  test('trailers, which are not judged, are not forwarded', async () => {
    const trailers = 'X-Evil: 1\r\nAuthorization: Bearer other\r\n';
    const bytes = `${post(CHUNKED, 'Trailer: X-Evil')}2\r\nab\r\n0\r\n${trailers}\r\n`;
    const { statuses, arrived } = await attack(bytes, 1);
    expect([statuses, arrived.map(told)]).toEqual([[200], ['POST /pay ab']]);
    expect(arrived[0]!.rawHeaders).toEqual([
      'host',
      `127.0.0.1:${upstream.port}`,
      'connection',
      'keep-alive',
      'content-type',
      'text/plain',
      'via',
      '1.1 holdpoint',
      'content-length',
      '2',
    ]);
  });

  test('an offer of h2c is neither accepted nor forwarded', async () => {
    const offer = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
    const { statuses, arrived } = await attack(get(...offer), 1);
    expect([statuses, arrived.map(told)]).toEqual([[200], ['GET /items']]);
    const host = `127.0.0.1:${upstream.port}`;
    expect(arrived[0]!.rawHeaders).toEqual(['host', host, 'connection', 'keep-alive', 'via', '1.1 holdpoint']);
  });

  test('an upgrade on anything but a GET is ignored', async () => {
    const { statuses, arrived } = await attack(
      `${post('Content-Length: 2', 'Connection: Upgrade', 'Upgrade: websocket')}ab`,
      1,
    );
    expect([statuses, arrived.map(told)]).toEqual([[200], ['POST /pay ab']]);
    expect(arrived[0]!.headers.upgrade).toBeUndefined();
  });

  test('a header without meaning that any Connection line names is not forwarded', async () => {
    const { arrived } = await attack(
      get('X-Request-Id: 1', 'Baggage: 2', 'Connection: x-request-id', 'Connection: close, Baggage'),
      1,
    );
    expect(arrived.map(({ headers }) => [headers['x-request-id'], headers['baggage']])).toEqual([
      [undefined, undefined],
    ]);
  });

  test('another path in X-Original-URL or X-Rewrite-URL is not forwarded', async () => {
    const { arrived } = await attack(get('X-Original-URL: /forbidden', 'X-Rewrite-Url: /forbidden'), 1);
    expect(arrived[0]!.rawHeaders.join()).not.toContain('/forbidden');
  });
});

describe('bytes after a running call', () => {
  test('bytes after a running call that are no request close the connection, as their answer would be ambiguous', async () => {
    const agent = await connectRaw(sharedAddress());
    agent.send(`${post('Content-Length: 2')}abGARBAGE\r\n\r\n`);
    expect(await agent.rest()).toEqual([]);
  });
});

describe('Expect: 100-continue', () => {
  const expecting = (...lines: string[]) =>
    head('POST /payments/pay HTTP/1.1', 'Host: a', 'Content-Type: text/plain', 'Expect: 100-continue', ...lines);

  test('an identified agent gets 100 Continue, and the expectation is not forwarded', async () => {
    const before = upstream.received.length;
    const agent = await connectRaw(sharedAddress());
    agent.send(expecting(AUTH, 'Content-Length: 2'));
    expect((await agent.answer())?.status).toBe(100);
    expect(upstream.received.length).toBe(before);
    agent.send('ab');
    expect((await agent.answer())?.status).toBe(200);
    expect(upstream.received.slice(before).map(told)).toEqual(['POST /pay ab']);
    expect(upstream.received.at(-1)!.headers.expect).toBeUndefined();
    agent.close();
  });

  test.each([
    ['somebody unknown', ['Content-Length: 2'], 401],
    ['an agent who announces a body over the limit', [AUTH, 'Content-Length: 4096'], 413],
    ['an agent whose call is ambiguous', [AUTH, 'Content-Length: 010'], 400],
  ])('%s is refused without 100 Continue', async (_who, lines, status) => {
    const before = upstream.received.length;
    const agent = await connectRaw(sharedAddress());
    agent.send(expecting(...lines));
    expect((await agent.answer())?.status).toBe(status);
    expect(await agent.rest()).toEqual([]);
    expect(upstream.received.length).toBe(before);
  });

  test('an expectation on HTTP/1.0, which has no interim answers, is ignored', async () => {
    const agent = await connectRaw(sharedAddress());
    agent.send(`${head('POST /payments/pay HTTP/1.0', AUTH, 'Expect: 100-continue', 'Content-Length: 2')}ab`);
    expect((await agent.answer())?.status).toBe(200);
    agent.close();
  });
});

test('no request smuggled anything past policy', () => {
  expect(upstream.received.filter(({ url }) => url.includes('forbidden'))).toEqual([]);
});
