import { Agent } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowed, createPlace, eventually, held, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { startLoad, type Outcome } from './load.ts';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startUpstream((received, response) => {
    if (!received.url.includes('/never-answered/')) response.writeHead(200).end('{}');
  });
  place = await createPlace(upstream.url);
  gateway = await place.start();
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
});

/** The worker that served a call, found by the log line with the answer's decision. */
async function workerOf({ answer }: Pick<Outcome, 'answer'>): Promise<string> {
  const decision = answer!.headers['holdpoint-decision'];
  return (await gateway.logged((line) => line['decision_id'] === decision)).process;
}

/** A connection to this worker. Several are opened at once, as single ones might all reach the same worker. */
async function connectTo(worker: string): Promise<Agent> {
  let found: Agent | undefined;
  await eventually(`a connection reaches ${worker}`, async () => {
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const workers = await Promise.all(
      agents.map(async (agent) => workerOf({ answer: await gateway.call(allowed('hello'), agent) })),
    );
    found = agents[workers.indexOf(worker)];
    for (const agent of agents) if (agent !== found) agent.destroy();
    return found !== undefined;
  });
  return found!;
}

test('a worker that dies takes only its own calls with it', async () => {
  const [doomed, other] = ['worker-0', 'worker-1'] as const;
  const dying = await connectTo(doomed);
  const living = await connectTo(other);

  const lost = gateway.call(held('never-answered'), dying).then(
    (answer) => answer,
    (error: Error) => error,
  );
  const releasing = await gateway.holdOf('never-answered');
  await gateway.approve(releasing);
  await eventually('the approved call is on its way', () =>
    upstream.received.some(({ url }) => url.includes('/never-answered/')),
  );
  const waiting = gateway.call(held('waits'), living);
  const waitingId = await gateway.holdOf('waits');

  const load = startLoad(gateway.url, (n) => allowed(`load-${n}`), { connections: 6 });
  const fresh = startLoad(gateway.url, (n) => allowed(`fresh-${n}`), { connections: 2, keepAlive: false });
  await load.more(60);
  // Asked now: a worker that is killed takes the last tenth of a second of its log with it.
  const workers = new Map<number, string>();
  for (const outcome of load.outcomes.slice())
    if (outcome.answer && !workers.has(outcome.connection)) workers.set(outcome.connection, await workerOf(outcome));
  const pid = Number((await gateway.logged((line) => line['child'] === doomed))['pid']);
  process.kill(pid, 'SIGKILL');
  await load.more(200);
  await eventually('the worker is back', async () => {
    const now = (await gateway.pids()).workers;
    return now.length === 2 && !now.includes(pid);
  });
  const outcomes = await load.stop();
  const onFresh = await fresh.stop();

  expect(await lost).toBeInstanceOf(Error);

  // Every connection with an error belonged to the dead worker, and had no more than one error.
  const failed = outcomes.filter(({ error }) => error);
  for (const { connection } of failed) {
    expect(workers.get(connection)).toBe(doomed);
    expect(failed.filter((outcome) => outcome.connection === connection)).toHaveLength(1);
  }
  expect(outcomes.filter(({ answer }) => answer && answer.status !== 200)).toEqual([]);
  // New connections: at most those that the worker had at that moment, and every one is answered.
  const refused = onFresh.flatMap(({ error }) => error?.message ?? []);
  expect(refused.length).toBeLessThanOrEqual(2);
  expect(refused.join()).not.toContain('was not answered');
  expect(onFresh.filter(({ answer }) => answer && answer.status !== 200)).toEqual([]);

  await eventually('the outcome of its release is unknown', async () => {
    const { execution } = (await gateway.admin({ path: `/api/holds/${releasing}` })).json<{ execution: string }>();
    return execution === 'indeterminate';
  });
  await gateway.approve(waitingId);
  expect((await waiting).status).toBe(200);
  expect(upstream.received.filter(({ url }) => url.includes('/never-answered/'))).toHaveLength(1);
  const back = await connectTo(doomed);
  for (const agent of [dying, living, back]) agent.destroy();
});
