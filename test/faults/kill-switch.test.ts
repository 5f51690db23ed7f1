import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../gateway/identify/token.ts';
import { allowed, createPlace, held, REVIEWER_TOKEN, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startUpstream();
  const operator = { id: 'dora@example.com', token_sha256: hashToken(REVIEWER_TOKEN), roles: ['operator', 'reviewer'] };
  place = await createPlace(upstream.url, { workers: 3, reviewers: [{ ...operator, groups: ['maintainers'] }] });
  gateway = await place.start();
});

afterAll(async () => {
  await gateway?.stop();
  await place?.remove();
  await upstream?.close();
});

const flip = (path: string, body = '{}') => gateway.admin({ method: 'POST', path, body });
/** Calls on a new connection each, so that all workers get some. */
const statuses = async () =>
  new Set(
    (await Promise.all(Array.from({ length: 60 }, (_, i) => gateway.call(allowed(`r${i}`))))).map(
      ({ status }) => status,
    ),
  );

test('every worker refuses a suspended agent once the admin API has answered, and its holds are superseded', async () => {
  expect(await statuses()).toEqual(new Set([200]));
  const waiting = gateway.call(held('waits'));
  const id = await gateway.holdOf('waits');

  const suspended = await flip('/api/agents/merge-bot/suspend', '{"reason":"it went mad"}');
  expect(suspended.json()).toMatchObject({ id: 'merge-bot', superseded: 1 });
  const before = upstream.received.length;
  expect(await statuses()).toEqual(new Set([403]));
  expect((await waiting).json()).toMatchObject({ code: 'superseded', hold_id: id });
  expect(upstream.received.length).toBe(before);

  expect((await flip('/api/agents/merge-bot/resume')).status).toBe(200);
  expect(await statuses()).toEqual(new Set([200]));
});

test('a suspended system is shut for every agent, also on workers that start afterwards', async () => {
  expect((await flip('/api/systems/github/suspend')).status).toBe(200);
  expect(await statuses()).toEqual(new Set([403]));
  const [worker] = (await gateway.pids()).workers;
  process.kill(worker!, 'SIGKILL');
  await gateway.logged(({ msg }) => msg === 'a process ended; it is started again');
  await expect.poll(async () => (await gateway.pids()).workers.length).toBe(3);
  expect(await statuses()).toEqual(new Set([403]));
  expect((await flip('/api/systems/github/resume')).status).toBe(200);
  expect(await statuses()).toEqual(new Set([200]));
});
