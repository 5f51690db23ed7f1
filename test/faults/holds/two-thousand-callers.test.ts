import { request, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hold } from '../../../gateway/domain/hold.ts';
import { createHoldTimers } from '../../../gateway/holds/timers.ts';
import { approve, BEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const CALLERS = 2_000;
const REGO = `package rules.payments

hold contains {"rule": "pays", "reviewers": ["finance"], "expires_in": "30m"}
`;

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

const folder = tempFolder();
let skew = 0;
const clock = () => Date.now() + skew;
let upstream: Upstream;
let plane: DataPlane;

/** One worker after another, on the same holds. */
const startWorker = (number: number) =>
  startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '10m' } },
    rego: { 'payments.rego': REGO },
    at: { file: join(folder.path, 'holds.sqlite') },
    key: join(folder.path, 'holds.key'),
    name: `worker-0/${number}/test`,
    clock,
  });

beforeAll(async () => {
  upstream = await startUpstream(({ body }, response) => {
    response.writeHead(200).end(`paid ${JSON.parse(body.toString()).to}`);
  });
  plane = await startWorker(1);
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
  folder.remove();
});

/** One caller on a connection of its own, as a process of its own would be. */
function pay(to: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const outgoing = request(
      `${plane.url}/payments/pay`,
      { method: 'POST', agent: false, headers: { ...headers, 'agent-context': `task="${to}"` } },
      (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode!, headers: response.headers, body }),
          reject,
        );
      },
    );
    outgoing.once('error', reject);
    outgoing.end(JSON.stringify({ to }));
  });
}

async function allWaiting(): Promise<void> {
  const waiting = async () =>
    (await plane.registry.getSingleMetric('holdpoint_waiting_callers')?.get())?.values[0]?.value;
  await expect.poll(waiting, { timeout: 200_000 }).toBe(CALLERS);
}

/** The undecided holds, by whom the call would pay. */
async function pending(): Promise<Map<string, Hold>> {
  const found = new Map<string, Hold>();
  for (let cursor: string | null | undefined; cursor !== null;) {
    const page = await plane.store.holds.list({ status: 'pending', limit: 500, ...(cursor && { cursor }) });
    for (const hold of page.items) found.set(hold.claims.task!, hold);
    cursor = page.next;
  }
  return found;
}

const names = (round: string) => Array.from({ length: CALLERS }, (_, index) => `${round}-${index}`);
/** How often each was paid. */
const paid = (round: string) => {
  const times = new Map<string, number>();
  for (const { body } of upstream.received) {
    const { to } = JSON.parse(body.toString()) as { to: string };
    if (to.startsWith(round)) times.set(to, (times.get(to) ?? 0) + 1);
  }
  return times;
};
const once = (people: readonly string[]) => new Map(people.map((to) => [to, 1]));
const codeOf = ({ status, body }: Answer) => `${status} ${(JSON.parse(body) as { code: string }).code}`;

test('2,000 callers who wait on one worker are all told rightly, and what was approved is sent once each', async () => {
  const people = names('crowd');
  const answers = people.map(pay);
  await allWaiting();
  const holds = await pending();
  expect(holds.size).toBe(CALLERS);

  const [approved, rejected, expired] = [people.slice(0, 1_000), people.slice(1_000, 1_500), people.slice(1_500)];
  const reject = { type: 'reject', by: BEN, channel: 'api', revision: 1, code: 'not-now', note: null } as const;
  await Promise.all([
    ...approved.map((to) => approve(plane.store, holds.get(to)!.id)),
    ...rejected.map((to) => plane.store.holds.apply(holds.get(to)!.id, reject)),
  ]);
  const first = await Promise.all(answers.slice(0, 1_500));
  expect(first.slice(0, 1_000).map(({ status, body }) => `${status} ${body}`)).toEqual(
    approved.map((to) => `200 paid ${to}`),
  );
  expect(new Set(first.slice(1_000).map(codeOf))).toEqual(new Set(['403 rejected']));

  skew += 31 * 60_000;
  const failed = (error: unknown) => {
    throw error;
  };
  const timers = createHoldTimers({
    holds: plane.store.holds,
    prune: (now) => plane.store.prune(now),
    clock,
    interval: 1_000,
    failed,
  });
  expect(await timers.tick()).toBe(expired.length);
  expect(new Set((await Promise.all(answers.slice(1_500))).map(codeOf))).toEqual(new Set(['403 expired']));
  expect(paid('crowd')).toEqual(once(approved));
}, 300_000);

test('a worker that drains sends 2,000 callers away to come back, and they find their holds at the next one', async () => {
  const people = names('drained');
  const answers = people.map(pay);
  await allWaiting();
  const before = await pending();
  const drained = plane.server.drain(300_000);
  const away = await Promise.all(answers);
  expect(new Set(away.map((answer) => `${codeOf(answer)} ${answer.headers['retry-after']}`))).toEqual(
    new Set(['503 draining 1']),
  );
  await drained;
  await plane.close();
  expect(paid('drained').size).toBe(0);

  plane = await startWorker(2);
  const again = people.map(pay);
  await allWaiting();
  const after = await pending();
  expect([...after.values()].map(({ id }) => id).toSorted()).toEqual(
    [...before.values()].map(({ id }) => id).toSorted(),
  );
  await Promise.all(people.map((to) => approve(plane.store, after.get(to)!.id)));
  expect((await Promise.all(again)).map(({ body }) => body)).toEqual(people.map((to) => `paid ${to}`));
  expect(paid('drained')).toEqual(once(people));
}, 300_000);
