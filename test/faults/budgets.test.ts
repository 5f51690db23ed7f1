import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFiles } from '../helpers/folder.ts';
import {
  createPlace,
  CREDENTIAL,
  eventually,
  type Answer,
  type Place,
  type RunningGateway,
} from '../helpers/gateway.ts';
import { testOpa } from '../helpers/policy.ts';
import { createSharedStore, type SharedStore } from '../helpers/shared-store.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

/** Each path is an operation with a budget of its own, which the body names. */
const REGO = `package rules.github

spent := object.get(input.usage.operation.day.cost, "EUR", 0)

block contains {"rule": "budget", "reason": $"{spent} are spent."} if {
	spent + input.action.body.expected > input.action.body.budget
}

block contains {"rule": "rate"} if input.usage.operation.minute.calls >= input.action.body.most

allow contains {"rule": "pays", "cost": {"amount": input.action.body.cost, "unit": "EUR"}}

allow contains {"rule": "asks"} if not input.action.body.cost
`;

const systems = (upstream: string) => ({
  github: {
    upstream,
    credential: { header: 'authorization', value: CREDENTIAL },
    costs: [
      { operations: ['POST /metered/known', 'POST /metered/unknown'], answer: '/cost', unit: 'EUR' },
      { operations: ['POST /metered/known'], amount: 5, unit: 'EUR' },
    ],
  },
});

let upstream: Upstream;
/** How the system answers. */
let respond: (response: ServerResponse, path: string) => void;

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => respond(response, url));
});
afterAll(() => upstream?.close());

const answersAtOnce = (response: ServerResponse) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end('{"cost":4}');

type Budget = { readonly budget: number; readonly expected: number; readonly cost?: number; readonly most?: number };

/** So many calls at once, each on a new connection, to the gateways in turn. */
async function race(gateways: readonly RunningGateway[], calls: number, path: string, budget: Budget): Promise<number> {
  const before = sent(path);
  const body = (n: number) => JSON.stringify({ most: 1e9, ...budget, n });
  const answers = await Promise.all(
    Array.from({ length: calls }, (_, n): Promise<Answer> => {
      return gateways[n % gateways.length]!.call({ method: 'POST', path: `/github${path}`, body: body(n) });
    }),
  );
  const statuses = answers.map(({ status }) => status);
  expect(new Set(statuses).difference(new Set([200, 403]))).toEqual(new Set());
  const allowed = statuses.filter((status) => status === 200).length;
  expect(sent(path) - before).toBe(allowed);
  return allowed;
}

const sent = (path: string) => upstream.received.filter(({ url }) => url === path).length;

describe.each([
  { name: 'two workers on one machine', start: startWorkers },
  { name: 'two gateways of two workers on one PostgreSQL', start: startGateways },
])('a budget of $name', ({ start }) => {
  let gateways: readonly RunningGateway[];
  let stop = async () => {};

  beforeAll(async () => {
    respond = answersAtOnce;
    ({ gateways, stop } = await start());
  }, 120_000);
  afterAll(() => stop());

  // The first, so that nothing else is counted.
  test('is told to operators by each gateway, as far as it is used', async () => {
    await race(gateways, 8, '/race/told', { budget: 10, expected: 5, cost: 5 });
    for (const gateway of gateways) {
      const told = async () => (await gateway.admin({ path: '/api/agents' })).json<{ items: object[] }>().items;
      const day_usage = { calls: 8, costs: [{ unit: 'EUR', amount: 10 }] };
      await expect.poll(told, { timeout: 60_000 }).toMatchObject([{ id: 'merge-bot', day_usage }]);
    }
  });

  test.each([
    [8, 1],
    [50, 10],
    [100, 10],
    [100, 100],
  ])('of %i calls at once allows exactly as many as it covers, %i', async (calls, covered) => {
    const budget = { budget: covered * 3, expected: 3, cost: 3 };
    expect(await race(gateways, calls, `/race/of-${calls}-${covered}`, budget)).toBe(covered);
  });

  test('for a number of calls a minute allows exactly as many', async () => {
    expect(await race(gateways, 50, '/race/rate', { budget: 1e9, expected: 0, cost: 0, most: 7 })).toBe(7);
  });

  test('is given back what a call that failed had reserved', async () => {
    const path = '/race/failing';
    respond = (response) => void response.writeHead(500).end();
    const budget = { budget: 10, expected: 1, cost: 1 };
    const body = JSON.stringify({ most: 1e9, ...budget });
    for (let n = 0; n < 10; n++) {
      expect((await gateways[0]!.call({ method: 'POST', path: `/github${path}`, body })).status).toBe(500);
    }
    respond = answersAtOnce;
    await eventually('all of the budget is there again', async () => {
      const used = async () => (await gateways.at(-1)!.call({ method: 'POST', path: `/github${path}`, body })).status;
      return (await used()) === 200;
    });
  });

  test('is not overdrawn by costs that only the answers tell, if the price list says what to expect', async () => {
    // Each costs 4 and is expected to cost 5. The first ten answers wait for each other.
    const waiting: ServerResponse[] = [];
    respond = (response) => {
      if (waiting.length >= 10) return answersAtOnce(response);
      waiting.push(response);
      if (waiting.length === 10) for (const each of waiting) answersAtOnce(each);
    };
    const allowed = await race(gateways, 100, '/metered/known', { budget: 50, expected: 5 });
    respond = answersAtOnce;
    expect(allowed).toBeGreaterThanOrEqual(10);
    expect(allowed * 4).toBeLessThanOrEqual(50);
  });

  test('is not overdrawn by costs that only the answers tell, once one of them has told', async () => {
    const budget = { budget: 20, expected: 4 };
    expect(await race(gateways, 1, '/metered/unknown', budget)).toBe(1);
    const probe = JSON.stringify({ ...budget, expected: 1e9, most: 1e9 });
    await eventually('the cost is known', async () => {
      const { text } = await gateways[0]!.call({ method: 'POST', path: '/github/metered/unknown', body: probe });
      return text.includes('4 are spent');
    });
    expect(await race(gateways, 50, '/metered/unknown', budget)).toBe(4);
  });

  test('stays reserved for a call whose worker was killed', async () => {
    const path = '/race/killed';
    respond = () => {};
    const before = sent(path);
    const body = JSON.stringify({ budget: 10, expected: 10, cost: 10, most: 1e9 });
    const broken = gateways[0]!.call({ method: 'POST', path: `/github${path}`, body }).catch(() => null);
    await eventually('the call is under way', () => sent(path) > before);
    for (const worker of (await gateways[0]!.pids()).workers) process.kill(worker, 'SIGKILL');
    expect(await broken).toBeNull();
    respond = answersAtOnce;
    await eventually('a worker answers again', async () => {
      const again = await gateways[0]!.call({ method: 'POST', path: `/github${path}`, body });
      return again.status === 403 && again.text.includes('10 are spent');
    });
    expect((await gateways.at(-1)!.call({ method: 'POST', path: `/github${path}`, body })).status).toBe(403);
  });
});

async function startWorkers(): Promise<{ gateways: RunningGateway[]; stop: () => Promise<void> }> {
  await testOpa();
  const policies = writeFiles({ 'github.rego': REGO });
  const place: Place = await createPlace(upstream.url, { policies: policies.path, systems: systems(upstream.url) });
  const stop = async () => {
    await place.remove();
    policies.remove();
  };
  return { gateways: [await place.start()], stop };
}

async function startGateways(): Promise<{ gateways: RunningGateway[]; stop: () => Promise<void> }> {
  const shared: SharedStore = await createSharedStore(2, upstream.url, REGO, {
    workers: 2,
    systems: systems(upstream.url),
  });
  return { gateways: await Promise.all(shared.places.map((place) => place.start())), stop: shared.remove };
}
