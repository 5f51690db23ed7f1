import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { supersedeMoved } from '../../../../gateway/enforce/release/moved.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { tempFolder } from '../../../helpers/folder.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const REGO = `package rules.payments

hold contains {"rule": "all", "reason": "people look at everything"}
`;

let staging: Upstream;
let production: Upstream;
let plane: DataPlane;
const folder = tempFolder();

beforeAll(async () => {
  staging = await startUpstream((_received, response) => response.writeHead(201).end('{}'));
  production = await startUpstream((_received, response) => response.writeHead(201).end('{}'));
});
afterEach(() => plane.close());
afterAll(async () => {
  await staging.close();
  await production.close();
  folder.remove();
});

async function start(systems: Readonly<Record<string, object>>, place: string) {
  const at = { file: join(folder.path, place) };
  plane = await startDataPlane({ systems, rego: { 'a.rego': REGO }, at, key: join(folder.path, 'key') });
}
const payments = (upstream: Upstream) => ({ payments: { upstream: `${upstream.url}/base`, wait: '0s' } });

async function held(): Promise<{ id: string; again: () => Promise<Response> }> {
  const body = JSON.stringify({ amount: 500, purpose: randomUUID() });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const again = () => fetch(`${plane.url}/payments/v1/pay`, { method: 'POST', body, headers });
  return { id: ((await (await again()).json()) as { hold_id: string }).hold_id, again };
}

const sweep = () =>
  supersedeMoved({
    holds: plane.store.holds,
    systems: new Map(plane.config.systems.map((system) => [system.name, system])),
    isGranted: () => true,
  });

test('a hold names its upstream, and is superseded when its system moved while it was open (novuhq/novu#12087)', async () => {
  await start(payments(staging), 'moved');
  const { id } = await held();
  expect(await plane.store.holds.find(id)).toMatchObject({ upstream: `${staging.url}/base` });
  expect(await sweep()).toBe(0);
  await plane.close();

  await start(payments(production), 'moved');
  expect(await sweep()).toBe(1);
  expect(await plane.store.holds.find(id)).toMatchObject({
    status: 'superseded',
    note: expect.stringContaining(`is now at ${production.url}/base`),
  });
});

test('a hold that was approved for one upstream is not sent to another one (novuhq/novu#12087)', async () => {
  await start(payments(staging), 'approved');
  const { id, again } = await held();
  await plane.close();

  await start(payments(production), 'approved');
  await approve(plane.store, id);
  const answer = await again();
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'superseded', detail: expect.stringContaining('is now at') });
  expect([...staging.received, ...production.received]).toEqual([]);
});

test('an approval for a further host of a system is not sent to another place of it, nor with its credential', async () => {
  const elsewhere = { upstream_hosts: [{ url: `${production.url}/signed`, link_pass: '1h' }] };
  const system = { upstream: staging.url, credential: { header: 'authorization', value: 'Bearer own' }, wait: '0s' };
  await start({ payments: { ...system, ...elsewhere } }, 'further');
  const target = `/payments/~127.0.0.1:${production.port}/v1/pay`;
  const call = () =>
    fetch(`${plane.url}${target}`, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${TOKEN}` } });
  const { hold_id: id } = (await (await call()).json()) as { hold_id: string };
  expect(await plane.store.holds.find(id)).toMatchObject({ upstream: `${production.url}/signed` });
  await approve(plane.store, id);
  await plane.close();

  await start({ payments: system }, 'further');
  const answer = await call();
  expect([answer.status, await answer.json()]).toMatchObject([403, { detail: expect.stringContaining('is now at') }]);
  expect([...staging.received, ...production.received]).toEqual([]);
});

test('an approved call is superseded if the system would now get other headers than those that were approved', async () => {
  const system = { upstream: staging.url, headers: ['x-csrf-token'], wait: '20s' };
  await start({ payments: system }, 'headers');
  const waiting = fetch(`${plane.url}/payments/v1/pay`, {
    method: 'POST',
    body: '{}',
    headers: { authorization: `Bearer ${TOKEN}`, 'x-csrf-token': 'c' },
  });
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0]?.id;
  await expect.poll(pending).toBeDefined();
  const { systems, ...config } = plane.config;
  plane.server.configure({ ...config, systems: systems.map((each) => ({ ...each, headers: [] })) });
  await approve(plane.store, (await pending())!);
  const answer = await waiting;
  expect([answer.status, await answer.json()]).toMatchObject([
    403,
    { code: 'superseded', detail: expect.stringContaining('other headers of the call than those that were approved') },
  ]);
  expect(staging.received).toEqual([]);
});

test('a hold on a system that left the configuration is superseded, so that nobody approves it in vain', async () => {
  await start(payments(staging), 'left');
  const { id } = await held();
  await plane.close();

  await start({ other: { upstream: staging.url } }, 'left');
  expect(await sweep()).toBe(1);
  expect(await plane.store.holds.find(id)).toMatchObject({
    status: 'superseded',
    note: 'the system payments is no longer configured',
  });
});
