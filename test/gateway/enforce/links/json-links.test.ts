import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const REGO = {
  'api.rego': `package rules.api

allow contains {"rule": "reads"} if input.action.method == "GET"

hold contains {"rule": "writes", "reason": "A write.", "level": 2, "reviewers": ["finance"], "quorum": 1, "expires_in": "30m"} if {
  input.action.method == "POST"
}
`,
};

type Reply = { headers?: Record<string, string>; body: string | Buffer; chunks?: number };

let reply: Reply;
let system: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  system = await startUpstream((_received, response) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', ...reply.headers });
    const body = Buffer.from(reply.body);
    if (reply.chunks) {
      const size = Math.ceil(body.length / reply.chunks);
      for (let at = 0; at < body.length; at += size) response.write(body.subarray(at, at + size));
    }
    response.end(reply.chunks ? undefined : body);
  });
  const links = ['/upload_url', '/pages/next', '@odata.nextLink', 'href', 'all'];
  plane = await startDataPlane({ systems: { api: { upstream: system.url, links, wait: '30s' } }, rego: REGO });
});

afterAll(async () => {
  await plane?.close();
  await system?.close();
});

/** The answer as it is on the wire: `fetch` would decode it. */
async function raw(sent: Reply, path = '/x'): Promise<{ headers: Headers; body: Buffer }> {
  reply = sent;
  const headers = { authorization: `Bearer ${TOKEN}`, 'accept-encoding': 'identity' };
  const response = await fetch(`${plane.url}/api${path}`, { headers });
  return { headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

const text = async (sent: Reply) => (await raw(sent)).body.toString();

test('only the strings at declared places change; every other byte stays', async () => {
  const own = `${plane.url}/api`;
  const at = (url: string) =>
    `{ "upload_url" :"${url}/u{?name,label}",\r\n "other":"${url}/kept", "big": 12345678901234567890.10, "Ü\\u00fc":"ü" ,` +
    `"pages":{"next":"${url}/p?page=2&x=%2F"}, "next":"${system.url}/kept", "a":[{"\\u0040odata.nextLink":"${url}/o"},` +
    `{"_links":{"self":{"href":"${url}"}}}], "all":["${url}/1", "/2", null, {"x":"${system.url}/kept"}], "e":"\\\\\\"", "z":1e400}\n`;
  const sent = at(system.url).replace(`"other":"${system.url}`, '"other":"o:');
  const expected = at(own).replace(`"other":"${own}`, '"other":"o:');
  expect(await text({ body: sent })).toBe(expected);
  expect(await text({ body: sent, chunks: 7 })).toBe(expected);
});

test('a string with escaped slashes, as PHP writes it, stays escaped', async () => {
  const escaped = (url: string) => `{"href":"${`${url}/a`.replaceAll('/', '\\/')}"}`;
  expect(await text({ body: escaped(system.url) })).toBe(escaped(`${plane.url}/api`));
});

test('length and digests fit the rewritten body', async () => {
  const body = `{"href":"${system.url}/a"}`;
  const digest = createHash('sha256').update(body).digest('base64');
  const headers = {
    'content-length': String(body.length),
    'content-digest': `sha-256=:${digest}:`,
    'content-md5': createHash('md5').update(body).digest('base64'),
    etag: '"1"',
  };
  const answer = await raw({ headers, body });
  const expected = `{"href":"${plane.url}/api/a"}`;
  expect(answer.body.toString()).toBe(expected);
  expect(answer.headers.get('content-length')).toBe(String(expected.length));
  expect([answer.headers.get('content-digest'), answer.headers.get('content-md5')]).toEqual([null, null]);
  expect(answer.headers.get('etag')).toBe('"1"');
});

test('a compressed body is sent plain if a link in it changes, and else as it came', async () => {
  const headers = { 'content-encoding': 'gzip' };
  const changed = await raw({ headers, body: gzipSync(`{"href":"${system.url}/a"}`) });
  expect(changed.headers.get('content-encoding')).toBeNull();
  expect(changed.body.toString()).toBe(`{"href":"${plane.url}/api/a"}`);
  const kept = await raw({ headers, body: gzipSync('{"href":"https://example.com/a"}') });
  expect(kept.headers.get('content-encoding')).toBe('gzip');
  expect(kept.body.toString()).toBe('{"href":"https://example.com/a"}');
});

test('a body over 1 MiB, a body of another type and a stream of events pass as they are', async () => {
  const link = `{"href":"${system.url}/a"}`;
  const large = `{"href":"${system.url}/a","x":"${'x'.repeat(2 ** 20)}"}`;
  expect(await text({ body: large })).toBe(large);
  await expect
    .poll(async () => (await plane.events()).at(-1))
    .toMatchObject({ type: 'call.noted', code: 'links-kept' });
  expect(await text({ body: large, chunks: 40 })).toBe(large);
  for (const type of ['text/plain', 'text/event-stream', 'application/json; charset=utf-16']) {
    expect(await text({ headers: { 'content-type': type }, body: link })).toBe(link);
  }
  const bomb = gzipSync(Buffer.alloc(2 ** 22, ' '));
  const answer = await raw({ headers: { 'content-encoding': 'gzip' }, body: bomb });
  expect(answer.body.length).toBe(2 ** 22);
});

test('the answer to a held call leads through the gateway, as it streams, repeated and read later', async () => {
  reply = { body: `{"href":"${system.url}/a"}`, headers: { location: `${system.url}/things/1` } };
  const headers = { authorization: `Bearer ${TOKEN}`, 'idempotency-key': 'one', 'content-type': 'application/json' };
  const post = () => fetch(`${plane.url}/api/things`, { method: 'POST', headers, body: '{"a":1}' });
  const waiting = post();
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
  await expect.poll(pending).toBeDefined();
  const { id } = (await pending())!;
  await approve(plane.store, id);
  const first = await waiting;
  const again = await post();
  const read = await fetch(`${plane.url}/-/holds/${id}/response`, { headers });
  for (const answer of [first, again, read]) {
    expect(answer.headers.get('location')).toBe(`${plane.url}/api/things/1`);
    expect(await answer.text()).toBe(`{"href":"${plane.url}/api/a"}`);
  }
  expect(system.received.filter(({ method }) => method === 'POST')).toHaveLength(1);
});
