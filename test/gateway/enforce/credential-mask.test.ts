import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';

const SECRET = 'sk/of+the"system=';
const REGO = {
  'api.rego': `package rules.all

allow contains {"rule": "reads"} if input.action.method != "POST"

hold contains {"rule": "writes", "reason": "A write.", "level": 2, "reviewers": ["finance"], "quorum": 1, "expires_in": "30m"} if {
  input.action.method == "POST"
}
`,
};

type Reply = { status: number; headers?: Record<string, string>; body: string | Buffer };

/** What the system makes of a request. */
let echo: (received: Received) => Reply;
let system: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  system = await startUpstream((received, response) => {
    const { status, headers, body } = echo(received);
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  const { url: upstream } = system;
  const basic = `Basic ${Buffer.from('user:pass-of-the-system').toString('base64')}`;
  plane = await startDataPlane({
    systems: {
      api: { upstream, wait: '30s', credential: { header: 'authorization', value: `Bearer ${SECRET}` } },
      basic: { upstream, credential: { header: 'authorization', value: basic } },
    },
    rego: REGO,
  });
});

afterAll(async () => {
  await plane?.close();
  await system?.close();
});

const headers = { authorization: `Bearer ${TOKEN}` };
const get = (path = '/api/x') => fetch(plane.url + path, { headers });

test('an error body that echoes the headers of its request has no credential', async () => {
  echo = (received) => {
    const body = JSON.stringify({ message: 'bad token', headers: received.headers, at: '12345678901234567890' });
    return { status: 401, headers: { 'content-length': String(Buffer.byteLength(body)) }, body };
  };
  const answer = await get();
  const text = await answer.text();
  expect(answer.headers.get('content-length')).toBe(String(text.length));
  expect(JSON.parse(text)).toMatchObject({ message: 'bad token', headers: { authorization: 'Bearer ***' } });
  await expect
    .poll(async () => (await plane.events()).at(-1))
    .toMatchObject({ type: 'call.noted', code: 'credential-masked', system: 'api', status: 401 });
});

test('a compressed or chunked error body has no credential, and one without it passes as it came', async () => {
  echo = ({ headers: sent }) => ({
    status: 500,
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(`<h1>${sent.authorization}</h1>`),
  });
  const masked = await get();
  expect([masked.headers.get('content-encoding'), await masked.text()]).toEqual([null, '<h1>Bearer ***</h1>']);
  echo = () => ({ status: 500, headers: { 'content-encoding': 'gzip' }, body: gzipSync('no') });
  const kept = await get();
  expect([kept.headers.get('content-encoding'), await kept.text()]).toEqual(['gzip', 'no']);
});

test('response headers have no credential, whatever the status and the spelling', async () => {
  echo = () => ({
    status: 200,
    headers: { 'x-echo': `Bearer ${SECRET}`, location: `/login?key=${encodeURIComponent(SECRET)}` },
    body: '{}',
  });
  const answer = await get();
  expect(answer.headers.get('x-echo')).toBe('Bearer ***');
  expect(answer.headers.get('location')).toBe('/api/login?key=***');
});

test('the password of Basic is masked encoded and plain', async () => {
  echo = ({ headers: sent }) => ({ status: 403, body: `${sent.authorization} is for pass-of-the-system of user` });
  expect(await (await get('/basic/x')).text()).toBe('Basic *** is for *** of user');
});

test('an error body over 64 KiB passes whole', async () => {
  const body = 'x'.repeat(2 ** 17);
  echo = () => ({ status: 500, body });
  expect(await (await get()).text()).toBe(body);
});

test('the answer to a HEAD keeps its length', async () => {
  echo = () => ({ status: 404, headers: { 'content-length': '12' }, body: '' });
  const answer = await fetch(`${plane.url}/api/x`, { method: 'HEAD', headers });
  expect([answer.status, answer.headers.get('content-length')]).toEqual([404, '12']);
});

test('the stored answer of a held call has no credential, and its event says that it was masked', async () => {
  echo = ({ headers: sent }) => ({ status: 422, body: JSON.stringify({ token: sent.authorization }) });
  const waiting = fetch(`${plane.url}/api/x`, { method: 'POST', headers, body: '' });
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
  await expect.poll(pending).toBeDefined();
  const { id } = (await pending())!;
  await approve(plane.store, id);
  expect(await (await waiting).json()).toEqual({ token: 'Bearer ***' });
  const stored = await plane.store.contents.response(id);
  expect(stored!.body.toString()).toBe('{"token":"Bearer ***"}');
  const steps = (await plane.store.outbox.read(0, 100)).map(({ event }) => event);
  expect(steps).toContainEqual(
    expect.objectContaining({ type: 'call.noted', code: 'credential-masked', hold_id: id, system: 'api', status: 422 }),
  );
});
