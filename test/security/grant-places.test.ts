import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decide, startAdmin } from '../helpers/admin.ts';
import { OTHER_TOKEN, REVIEWER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { connectRaw } from './raw-agent.ts';

const rules = (system: string) => `package rules.${system}

hold contains {
	"rule": "contact",
	"reason": "Contacts are personal.",
	"reversible": true,
	"open": ["path:/contacts/{id}", "query:cursor", "/note"],
}
`;

/** Each section of this file calls a system of its own, so that no grant of another one covers its calls. */
const SYSTEMS = ['records', 'attacked', 'declared', 'other', 'paged', 'bodies', 'several'] as const;
type System = (typeof SYSTEMS)[number];

let upstream: Upstream;
let plane: DataPlane;
let admin: Awaited<ReturnType<typeof startAdmin>>;

beforeAll(async () => {
  upstream = await startUpstream();
  const declared = { path: { encoded_slash: 'data', case: 'sensitive', empty_segments: 'keep' } };
  plane = await startDataPlane({
    systems: Object.fromEntries(
      SYSTEMS.map((name) => [name, { upstream: upstream.url, ...(name === 'declared' && declared) }]),
    ),
    rego: Object.fromEntries(SYSTEMS.map((name) => [`${name}.rego`, rules(name)])),
  });
  admin = await startAdmin(plane);
});

afterAll(async () => {
  await admin?.close();
  await plane?.close();
  await upstream?.close();
});

type Sent = {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: readonly string[];
  readonly token?: string;
};

/** Sends a target as it is; the status is 200 if the call went out, and 503 if it waits for people. */
async function send(system: System, target: string, { method = 'GET', body, headers = [], token = TOKEN }: Sent = {}) {
  const before = upstream.received.length;
  const agent = await connectRaw(plane.url.slice('http://'.length));
  const lines = [
    `${method} /${system}${target} HTTP/1.1`,
    'Host: gateway',
    `Authorization: Bearer ${token}`,
    'Prefer: wait=0',
    ...(body === undefined ? [] : ['Content-Type: application/json', `Content-Length: ${body.length}`]),
    ...headers,
  ];
  agent.send(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
  const answer = await agent.answer({ head: method === 'HEAD' });
  agent.close();
  return { status: answer?.status, arrived: upstream.received.slice(before).map(({ url }) => url) };
}

const NOT_SENT = { arrived: [] };

async function api(path: string): Promise<unknown> {
  const response = await fetch(`${admin.url}${path}`, { headers: { authorization: `Bearer ${REVIEWER_TOKEN}` } });
  return await response.json();
}

/** Holds a call and approves it with a grant that leaves places open; the call is then sent. */
async function grant(system: System, target: string, open: readonly string[], sent: Sent = {}): Promise<void> {
  expect(await send(system, target, sent)).toEqual({ status: 503, ...NOT_SENT });
  expect(await decide(admin, 'approve', { grant: { uses: 1000, for: '1h', open } })).toMatchObject({ status: 200 });
  expect(await send(system, target, sent)).toEqual({ status: 200, arrived: [target] });
}

test('fifty records of one kind need one approval, and each call is on record with its grant', async () => {
  await grant('records', '/contacts/1', ['path:/contacts/{id}']);
  for (let id = 2; id <= 50; id++)
    expect(await send('records', `/contacts/${id}`)).toEqual({ status: 200, arrived: [`/contacts/${id}`] });
  const { items } = (await api('/api/grants?active=true')) as { items: { system: string; grant_id: string }[] };
  const given = items.find(({ system }) => system === 'records')!;
  expect(given).toMatchObject({ operation: 'GET /contacts/{id}', open: ['path:/contacts/{id}'], used: 49 });
  const steps = (await plane.store.outbox.read(0, 10_000)).map(({ event }) => event);
  const used = steps.filter(({ type, system }) => type === 'grant.used' && system === 'records');
  expect(used.map(({ path }) => path)).toEqual(Array.from({ length: 49 }, (_none, index) => `/contacts/${index + 2}`));
  expect(used.every(({ reason }) => reason?.includes(given.grant_id))).toBe(true);
});

test('a reviewer sees which places a grant may leave open, with their values in this call', async () => {
  await send('several', '/contacts/17?cursor=c1', { method: 'PUT', body: '{"note":"hi","other":1}' });
  const { items } = (await api('/api/holds?status=pending&system=several')) as { items: { hold_id: string }[] };
  expect(await api(`/api/holds/${items[0]!.hold_id}`)).toMatchObject({
    openable: [
      { place: 'path:/contacts/{id}', value: '17', at_most: false },
      { place: 'query:cursor', value: 'c1', at_most: false },
      { place: '/note', value: 'hi', at_most: false },
    ],
  });
  await decide(admin, 'reject', { code: 'other' });
});

describe('a grant with an open segment', () => {
  test.each(['attacked', 'declared'] as const)('a grant in %s covers one segment and nothing else', async (system) => {
    await grant(system, '/contacts/1', ['path:/contacts/{id}']);
    expect(await send(system, '/contacts/2')).toEqual({ status: 200, arrived: ['/contacts/2'] });
    const attacks = [
      '/contacts/2%2Fdelete',
      '/contacts/2%252Fdelete',
      '/contacts/2%5Cdelete',
      '/contacts/..',
      '/contacts/%2e%2e',
      '/contacts/2/..',
      '/contacts/2/',
      '/contacts//2',
      '//contacts/2',
      '/contacts/',
      '/contacts',
      '/contacts/2;all=1',
      '/contacts/2:delete',
      '/contacts/2,3',
      '/contacts/*',
      '/contacts/export',
      '/Contacts/2',
      '/CONTACTS/2',
      '/%63ontacts/2',
      '/contacts/2?',
      '/contacts/2?all=1',
      '/contacts/2?cursor=x',
      '/companies/2',
    ];
    for (const target of attacks) {
      const { status, arrived } = await send(system, target);
      expect([target, arrived]).toEqual([target, []]);
      expect([400, 503]).toContain(status);
    }
    expect(await send(system, '/contacts/2', { method: 'DELETE' })).toMatchObject(NOT_SENT);
    expect(await send(system, '/contacts/2', { method: 'HEAD' })).toMatchObject(NOT_SENT);
    expect(await send(system, '/contacts/2', { body: '{}' })).toMatchObject(NOT_SENT);
    expect(await send(system, '/contacts/2', { headers: ['X-Tenant: other'] })).toMatchObject(NOT_SENT);
    expect(await send('other', '/contacts/2')).toMatchObject(NOT_SENT);
    expect(await send(system, '/contacts/3')).toEqual({ status: 200, arrived: ['/contacts/3'] });
  });

  test('a grant is for one agent', async () => {
    expect(await send('records', '/contacts/2', { token: OTHER_TOKEN })).toMatchObject(NOT_SENT);
  });
});

test('a grant with an open query parameter covers the pages of one list', async () => {
  await grant('paged', '/contacts?limit=10&cursor=c1', ['query:cursor']);
  expect(await send('paged', '/contacts?limit=10&cursor=c2')).toMatchObject({ status: 200 });
  const others = [
    '/contacts?limit=100&cursor=c2',
    '/contacts?limit=10&cursor=c2&deleted=1',
    '/contacts?limit=10&cursor=c2&cursor=c3',
    '/contacts?limit=10&cursor=c2;deleted=1',
    '/contacts?cursor=c2&limit=10',
    '/contacts?limit=10',
  ];
  for (const target of others) expect([target, (await send('paged', target)).arrived]).toEqual([target, []]);
});

test('a grant with an open segment pins the body but for its open members', async () => {
  const put = (body: string) => ({ method: 'PUT', body });
  const open = ['path:/contacts/{id}', '/note'];
  await grant('bodies', '/contacts/1', open, put('{"note":"a","vip":false}'));
  expect(await send('bodies', '/contacts/2', put('{"note":"b","vip":false}'))).toMatchObject({ status: 200 });
  expect(await send('bodies', '/contacts/2', put('{"note":"b","vip":true}'))).toMatchObject(NOT_SENT);
});

test('a place that policy or the call does not have is refused, and nothing is approved', async () => {
  await send('other', '/companies/7', { method: 'POST' });
  const { items } = (await api('/api/holds?status=pending&system=other')) as { items: { hold_id: string }[] };
  const [{ hold_id } = { hold_id: '' }] = items;
  for (const open of [['path:/companies/{id}'], ['path:/contacts/{id}'], ['query:cursor'], ['path:/{x}/{y}']]) {
    const read = await fetch(`${admin.url}/api/holds/${hold_id}`, {
      headers: { authorization: `Bearer ${REVIEWER_TOKEN}` },
    });
    await read.json();
    const approval = await fetch(`${admin.url}/api/holds/${hold_id}/approve`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${REVIEWER_TOKEN}`,
        'if-match': read.headers.get('etag')!,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ grant: { uses: 5, for: '1h', open } }),
    });
    expect([open, approval.status]).toEqual([open, 422]);
    await approval.json();
  }
  expect(await api(`/api/holds/${hold_id}`)).toMatchObject({ status: 'pending' });
});
