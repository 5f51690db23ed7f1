import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../gateway/config/config.ts';
import { approve, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { tempFolder } from '../../../helpers/folder.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const RULES = {
  'all.rego': `package rules.all

block contains {"rule": "no", "reason": "not this one"} if contains(input.action.path, "blocked")

hold contains {"rule": "ask", "reviewers": ["finance"]} if contains(input.action.path, "held")

allow contains {"rule": "all"} if true
`,
};
const HOUR = 3_600_000;

let now = Date.now();
let system: Upstream;
/** A storage service: the URLs that the system gives out are credentials there. */
let storage: Upstream;
let plane: DataPlane;
const folder = tempFolder();
const key = join(folder.path, 'holds.key');

const start = (more: object = {}) =>
  startDataPlane({
    systems: {
      files: {
        upstream: `${system.url}/api`,
        upstream_hosts: [
          { url: `${storage.url}/upload`, link_pass: '1h' },
          { url: `${system.url}/api/signed`, link_pass: '1h' },
        ],
        links: ['upload_url'],
        credential: { headers: { authorization: 'Bearer of-the-system' }, query: { token: 'of-the-system' } },
        wait: '50ms',
        ...more,
      },
      other: {
        upstream: system.url,
        upstream_hosts: [{ url: `${storage.url}/upload`, link_pass: '1h' }],
        method_override: 'GET',
      },
    },
    rego: RULES,
    clock: () => now,
    key,
  });

beforeAll(async () => {
  system = await startUpstream(({ body, headers }, response) => {
    const { location } = headers;
    response.writeHead(200, { 'content-type': 'application/json', ...(location && { location }) });
    response.end(body.length > 0 ? body : '{}');
  });
  storage = await startUpstream((_received, response) => void response.writeHead(200).end('stored'));
  plane = await start();
});

afterAll(async () => {
  await plane?.close();
  await Promise.all([system?.close(), storage?.close()]);
  folder.remove();
});

beforeEach(() => {
  storage.received.length = 0;
});

const authorized = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };

/** What the gateway makes of a URL in an answer of the system. */
async function linkTo(url: string, from: { plane?: DataPlane; token?: string } = {}): Promise<string> {
  const headers = { ...authorized, authorization: `Bearer ${from.token ?? TOKEN}` };
  const answer = await fetch(`${(from.plane ?? plane).url}/files/links`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ upload_url: url }),
  });
  return ((await answer.json()) as { upload_url: string }).upload_url;
}

const upload = (link: string, init: RequestInit = {}) => fetch(link, { method: 'POST', body: 'bytes', ...init });

async function refusal(link: string): Promise<{ status: number; detail: string }> {
  const answer = await upload(link);
  const { detail } = (await answer.json()) as { detail: string };
  return { status: answer.status, detail };
}

describe('a link that is followed without a token', () => {
  test('is served as a call of its agent, which the system gets as it wrote it, without a credential', async () => {
    const link = await linkTo(`${storage.url}/upload/v1/a%2Fb?token=theirs&X-Sig=%2B1`);
    expect(link).toMatch(
      RegExp(`^${plane.url}/files/~hp_pass_[\\w-]+/~127.0.0.1:${storage.port}/v1/a%2Fb\\?token=theirs&X-Sig=%2B1$`),
    );
    const answer = await upload(link, { headers: { authorization: 'Bearer unknown', referer: link } });
    expect([answer.status, await answer.text()]).toEqual([200, 'stored']);
    expect(storage.received).toMatchObject([
      { method: 'POST', url: '/upload/v1/a%2Fb?token=theirs&X-Sig=%2B1', body: Buffer.from('bytes') },
    ]);
    expect(storage.received[0]!.headers).not.toHaveProperty('authorization');
    const events = (await plane.events()).slice(-2);
    const attributed = { agent: 'billing-bot', owner: 'ana@example.com', system: 'files', channel: 'link-pass' };
    expect(events).toMatchObject([
      { ...attributed, type: 'call.decided', path: `/~127.0.0.1:${storage.port}/v1/a%2Fb` },
      { ...attributed, type: 'call.completed', status: 200 },
    ]);
    const [pass] = /hp_pass_[\w-]+/.exec(link)!;
    expect(JSON.stringify([events, plane.logged, storage.received[0]!.rawHeaders])).not.toContain(pass.slice(8));
    expect(storage.received[0]!.headers.referer).toContain('/~hp_pass_***/');
  });

  test('is shown masked where a later call quotes it', async () => {
    const link = await linkTo(`${storage.url}/upload/quoted`);
    await fetch(`${plane.url}/files/messages`, { method: 'POST', headers: authorized, body: JSON.stringify({ link }) });
    const decided = (await plane.events()).findLast(({ type }) => type === 'call.decided');
    expect(decided?.input).toContain(`${plane.url}/files/~***/`);
    expect(JSON.stringify(decided)).not.toContain('hp_pass_');
  });

  test('is found in headers too, and on a part of the system’s own host', async () => {
    const locationFor = async (location: string) =>
      (await fetch(`${plane.url}/files/x`, { headers: { ...authorized, location } })).headers.get('location')!;
    const links = [`${system.url}/api/signed/7?s=1`, '/api/signed/8?s=2'];
    for (const [i, given] of links.entries()) {
      const led = new URL(await locationFor(given), plane.url).href;
      expect(led).toMatch(RegExp(`^${plane.url}/files/~hp_pass_[\\w-]+/~127.0.0.1:${system.port}/`));
      expect((await upload(led)).status).toBe(200);
      expect(system.received.at(-1)!.url).toBe(`/api/signed/${i + 7}?s=${i + 1}`);
      expect(system.received.at(-1)!.headers).not.toHaveProperty('authorization');
    }
    expect(await locationFor(`${system.url}/api/plain`)).toBe(`${plane.url}/files/plain`);
  });

  test('is served in every spelling into which clients turn one URL', async () => {
    const link = await linkTo(`${storage.url}/upload/a%7Eb c/[1]'|%c3%a9ü?q=a,b|c`);
    const at = link.indexOf('/a%7Eb');
    for (const spelling of ["/a~b%20c/%5B1%5D'%7C%C3%A9%C3%BC?q=a,b|c", '/a%7Eb%20c/[1]%27|%c3%a9%c3%bc?q=a,b%7Cc'])
      expect((await upload(link.slice(0, at) + spelling)).status).toBe(200);
    expect((await upload(link.replace('/~hp_pass', '/%7Ehp_pass'))).status).toBe(200);
    expect((await upload(`${link.slice(0, at)}/a%7Eb%20c/[1]'|%c3%a9ü?q=a%2Cb|c`)).status).toBe(401);
  });

  test('is judged by policy like any call: blocked, or held, approved and then sent once', async () => {
    expect((await upload(await linkTo(`${storage.url}/upload/blocked`))).status).toBe(403);
    const link = await linkTo(`${storage.url}/upload/held`);
    const waiting = await upload(link);
    expect(waiting.status).toBe(503);
    const state = await fetch(new URL(waiting.headers.get('location')!, plane.url));
    expect([state.status, await state.json()]).toMatchObject([200, { status: 'pending' }]);
    const { items } = await plane.store.holds.list({ status: 'pending', limit: 1 });
    expect(items[0]).toMatchObject({ principal: { agent: 'billing-bot' } });
    await approve(plane.store, items[0]!.id);
    const answer = await upload(link);
    expect([answer.status, await answer.text()]).toEqual([200, 'stored']);
    expect(storage.received.map(({ url }) => url)).toEqual(['/upload/held']);
    expect(storage.received[0]!.headers).not.toHaveProperty('authorization');
  });

  test('works after a restart, and at another gateway with the same key', async () => {
    const link = await linkTo(`${storage.url}/upload/again`);
    const second = await start();
    try {
      expect((await upload(link.replace(plane.url, second.url))).status).toBe(200);
    } finally {
      await second.close();
    }
  });
});

test('a long GET of a URL that is a credential itself is sent as that GET, where long queries go by POST', async () => {
  const target = `/signed?${'x'.repeat(3000)}`;
  await fetch(`${plane.url}/other/~127.0.0.1:${storage.port}${target}`, { headers: authorized });
  expect(storage.received).toMatchObject([{ method: 'GET', url: `/upload${target}` }]);
});

describe('a pass is refused with 401 and says why', () => {
  const INVALID = 'The pass in this URL is not valid here';

  test('after its time, which a call with the token of the agent outlives', async () => {
    const link = await linkTo(`${storage.url}/upload/late`);
    now += HOUR - 1;
    expect((await upload(link)).status).toBe(200);
    now += 1;
    const { status, detail } = await refusal(link);
    expect([status, detail]).toEqual([401, expect.stringContaining('The pass in this URL has expired.')]);
    expect(storage.received).toHaveLength(1);
    expect((await upload(link, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect(storage.received.at(-1)?.url).toBe('/upload/late');
    expect((await plane.events()).at(-1)).toMatchObject({ agent: 'billing-bot', channel: 'agent' });
  });

  test('at any other URL, or changed', async () => {
    const link = await linkTo(`${storage.url}/upload/v1/one?x=1`);
    const [pass] = /hp_pass_[\w-]+/.exec(link)!;
    const middle = pass.length >> 1;
    const changed = pass.slice(0, middle) + (pass[middle] === 'A' ? 'B' : 'A') + pass.slice(middle + 1);
    for (const wrong of [
      link.replace('/one', '/two'),
      link.replace('x=1', 'x=2'),
      `${link}&y=2`,
      link.replace('/one', '/one/../two').replace('/../', '/%2e%2e/'),
      link.replace('/files/', '/other/'),
      link.replace(`/~127.0.0.1:${storage.port}`, ''),
      link.replace(`127.0.0.1:${storage.port}`, `127.0.0.1:${system.port}`),
      link.replace(pass, changed),
      link.replace(pass, pass.slice(0, -4)),
      link.replace(pass, 'hp_pass_A'),
      link.replace(pass, `hp_pass_${'A'.repeat(4000)}`),
      // Whether a system exists is not for strangers.
      link.replace('/files/', '/nowhere/'),
    ]) {
      const { status, detail } = await refusal(wrong);
      expect([wrong, status, detail.startsWith(INVALID)]).toEqual([wrong, 401, true]);
    }
    expect(storage.received).toEqual([]);
  });

  test('under another key', async () => {
    const stranger = await startDataPlane({
      systems: { files: { upstream: system.url, upstream_hosts: [{ url: `${storage.url}/upload`, link_pass: '1h' }] } },
      rego: RULES,
      clock: () => now,
    });
    const link = await linkTo(`${storage.url}/upload/v1/one`);
    expect(await refusal(link.replace(plane.url, stranger.url))).toMatchObject({ status: 401 });
    await stranger.close();
  });

  test('when its agent left the configuration, lost the system or is suspended, or links need no pass any more', async () => {
    const link = await linkTo(`${storage.url}/upload/v1/one`, { token: OTHER_TOKEN });
    const own = await linkTo(`${storage.url}/upload/v1/one`);
    const { agents, systems } = plane.config;
    expect((await upload(link)).status).toBe(200);
    plane.server.configure({ ...plane.config, agents: agents.map((one) => ({ ...one, systems: ['other'] })) });
    expect((await upload(link)).status).toBe(403);
    plane.server.configure({ ...plane.config, agents: agents.slice(0, 1) });
    expect(await refusal(link)).toMatchObject({ status: 401, detail: expect.stringContaining(INVALID) });
    expect((await upload(own)).status).toBe(200);
    const plain = systems.map((one) => ({ ...one, upstreamHosts: one.upstreamHosts!.map(({ url }) => ({ url })) }));
    plane.server.configure({ ...plane.config, systems: plain });
    expect(await refusal(own)).toMatchObject({ status: 401, detail: expect.stringContaining(INVALID) });
    plane.server.configure(plane.config);
    const by = 'dora@example.com';
    await plane.store.suspensions.suspend({ kind: 'agent', name: 'billing-bot', by, reason: 'test', channel: 'api' });
    expect((await upload(own)).status).toBe(403);
    await plane.store.suspensions.resume('agent', 'billing-bot', by, 'api');
    expect((await upload(own)).status).toBe(200);
  });
});

test('links to other places, and templates, carry no pass', async () => {
  expect(await linkTo(`${system.url}/api/pages/2`)).toBe(`${plane.url}/files/pages/2`);
  expect(await linkTo('https://elsewhere.example.com/x')).toBe('https://elsewhere.example.com/x');
  const template = `${storage.url}/upload/assets{?name,label}`;
  expect(await linkTo(template)).toBe(`${plane.url}/files/~127.0.0.1:${storage.port}/assets{?name,label}`);
});

test.each([
  ['{ url: "http://z", link_pass: 8d }', 'systems.p.upstream_hosts.1.link_pass: expected at most 7d, such as 1h'],
  ['{ url: "http://z", link_pass: 0s }', 'systems.p.upstream_hosts.1.link_pass: expected at most 7d, such as 1h'],
  ['{ url: "http://z", link_pass: true }', 'systems.p.upstream_hosts.1: expected an http or https URL without query'],
  ['{ url: "http://z", pass: 1h }', 'systems.p.upstream_hosts.1: unknown key "pass"'],
])('a further host of %s is reported with what was expected', (host, problem) => {
  const text = `systems: { p: { upstream: "http://x", upstream_hosts: ["http://y", ${host}] } }`;
  expect(() => parseConfig(text, 'holdpoint.yaml', {})).toThrow(problem);
});
