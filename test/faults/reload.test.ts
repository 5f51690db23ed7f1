import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allowed, createPlace, eventually, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/folder.ts';
import { testOpa } from '../helpers/policy.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { startLoad, type Outcome } from './load.ts';

const folder = tempFolder();
const rules = join(folder.path, 'github.rego');

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
let original: string;

/** The load. Half of it goes to a repository that the rule added below closes. */
const target = (n: number) => allowed(n % 2 === 0 ? 'open' : 'closed');
const isClosed = (path: string) => path.includes('/closed/');

const closing = (name: string) => `
block contains {"rule": "${name}", "reason": "Closed for a while."} if input.action.segments[2] == "closed"
`;

beforeAll(async () => {
  await testOpa();
  cpSync(join(import.meta.dirname, '../../policies/rules/github.rego'), rules);
  original = readFileSync(rules, 'utf8');
  upstream = await startUpstream();
  place = await createPlace(upstream.url, { policies: folder.path });
  gateway = await place.start();
});

afterAll(async () => {
  await place.remove();
  await upstream.close();
  folder.remove();
});

async function policy(): Promise<{ revision: string; refused: object | null }> {
  return (await gateway.admin({ path: '/api/policy' })).json();
}

async function revision(): Promise<string> {
  return (await policy()).revision;
}

/** The calls without the first of each connection, which may have been decided before. */
function sentLater(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ connection }, i) => outcomes.findIndex((one) => one.connection === connection) < i);
}

/** Calls on new connections until every worker has answered a call to the closed repository with this status. */
async function allWorkersAnswer(status: number): Promise<void> {
  const workers = new Set<string>();
  await eventually('every worker decides by the new policy', async () => {
    const answer = await gateway.call(target(1));
    const { process } = await gateway.logged((line) => line['decision_id'] === answer.headers['holdpoint-decision']);
    if (answer.status === status) workers.add(process);
    return workers.size === 2;
  });
}

test('every worker enforces a saved policy, a broken policy changes nothing, and no call fails', async () => {
  const load = startLoad(gateway.url, target, { connections: 8 });
  const first = await revision();
  await load.more(40);

  writeFileSync(rules, original + closing('closed'));
  await gateway.logged((line) => line.msg === 'policy in force on all workers' && line['policy_revision'] !== first);
  const enforced = load.outcomes.length;
  await allWorkersAnswer(403);
  await load.more(20);
  const second = await revision();
  expect(second).not.toBe(first);

  writeFileSync(rules, `${original}\nallow contains {"rule": "broken" if\n`);
  const refused = await gateway.logged((line) => line.level === 'error' && line['reasons'] !== undefined);
  expect(JSON.stringify(refused['reasons'])).toContain('github.rego');
  await load.more(40);
  expect(await policy()).toMatchObject({
    revision: second,
    refused: { reason: expect.stringContaining('github.rego') },
  });
  expect(await gateway.metric('holdpoint_policy_changes_total', 'result="refused"')).toBe(1);

  const broken = load.outcomes.length;
  writeFileSync(rules, original);
  await eventually('the first policy is in force again', async () => (await revision()) === first);
  await allWorkersAnswer(200);
  await eventually('the closed repository is open again', () => {
    const last = load.outcomes.findLast(({ sent }) => isClosed(sent.path));
    return last?.answer?.status === 200;
  });
  expect((await policy()).refused).toBeNull();

  const outcomes = await load.stop();
  expect(outcomes.filter(({ answer }) => answer?.status !== 200 && answer?.status !== 403)).toEqual([]);
  expect(outcomes.filter(({ sent, answer }) => answer!.status === 403 && !isClosed(sent.path))).toEqual([]);
  // Once the rule was in force, no worker let a call through, not even while the broken policy was being checked.
  const during = sentLater(outcomes.slice(enforced, broken)).filter(({ sent }) => isClosed(sent.path));
  expect(during.length).toBeGreaterThan(0);
  expect(during.filter(({ answer }) => answer!.status !== 403)).toEqual([]);
});

test('of policies saved in quick succession, the last one is in force on every worker', async () => {
  const load = startLoad(gateway.url, target, { connections: 8 });
  for (let i = 0; i < 3; i++) {
    const before = await revision();
    writeFileSync(rules, original + closing(`closed-${i}`));
    await eventually(`change ${i} is compiled`, async () => (await revision()) !== before);
  }
  const last = await revision();
  await gateway.logged((line) => line.msg === 'policy in force on all workers' && line['policy_revision'] === last);
  const from = load.outcomes.length;
  await allWorkersAnswer(403);
  await load.more(20);
  const outcomes = sentLater((await load.stop()).slice(from));
  const decidedBy = new Set(
    outcomes.filter(({ sent }) => isClosed(sent.path)).map(({ answer }) => answer!.json<{ rule?: string }>().rule),
  );
  expect([...decidedBy]).toEqual(['rules.github/closed-2']);
});
