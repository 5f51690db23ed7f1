import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSigner } from '../../../audit/ledger/ledger.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import { verifyRecord } from '../../../audit/ledger/verify.ts';
import { dateOf } from '../../../bench/year/calendar.ts';
import { FACTS, YEAR } from '../../../bench/year/facts.ts';
import { loadEvents } from '../../../bench/year/load.ts';
import { REVISIONS } from '../../../bench/year/policies.ts';
import type { HoldStory, Story } from '../../../bench/year/story.ts';
import { eventsOf, tellYear } from '../../../bench/year/year.ts';
import type { ReportRow, Reports } from '../../../gateway/domain/report.ts';
import { openWarehouse, type Warehouse } from '../clickhouse/warehouse.ts';

const DAY = 86_400_000;
/** A month longer than the year, so that whatever began in it has ended. */
const PERIOD = { from: new Date(YEAR.from).toISOString(), to: new Date(YEAR.to + 31 * DAY).toISOString() };

const stories: readonly Story[] = [...tellYear({ events: 30_000 })];
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = createSigner(privateKey);
let warehouse: Warehouse;
let reports: Reports;

beforeAll(async () => {
  warehouse = await openWarehouse();
  const { client } = warehouse;
  await migrate(client);
  await loadEvents(client, eventsOf(stories), { signer });
  reports = createReports(client, await loadReports());
}, 240_000);
afterAll(() => warehouse[Symbol.asyncDispose]());

async function run(name: string, given: Readonly<Record<string, string>> = {}): Promise<readonly ReportRow[]> {
  return (await reports.run(name, { ...PERIOD, ...given })).rows;
}

/** The one row that has these values. */
function row(rows: readonly ReportRow[], where: ReportRow): ReportRow {
  const found = rows.filter((each) => Object.entries(where).every(([name, value]) => each[name] === value));
  expect(found, `rows with ${JSON.stringify(where)}`).toHaveLength(1);
  return found[0]!;
}

// What is true, from the stories alone.

type Held = Story & { readonly hold: HoldStory };
const isHeld = (story: Story): story is Held => story.hold !== null;
const count = (of: (story: Story) => boolean): number => stories.filter(of).length;
const holds = (of: (story: Held) => boolean): readonly Held[] => stories.filter(isHeld).filter(of);
const took = ({ hold }: Held): number => hold.decidedAt - hold.openedAt;
const isApproved = ({ hold }: Held): boolean => hold.status === 'approved' || hold.status === 'lapsed';
const isDecided = (story: Held): boolean =>
  story.hold.byPerson && (isApproved(story) || ['rejected', 'taken-over'].includes(story.hold.status));
/** Without those that an earlier approval let through at once. */
const isAsked = ({ hold }: Held): boolean => !hold.decidedBy.startsWith('grant_');
/** By a rule, or for want of one; where policy failed nobody meant it. */
const isBlocked = ({ verdict, trigger }: Story): boolean => verdict === 'block' && trigger !== 'fault';
const isLate = (story: Held): boolean => took(story) > story.hold.respondWithin;
const sum = (of: readonly number[]): number => of.reduce((total, each) => total + each, 0);
const costs = (of: (story: Story) => boolean, unit: string): number =>
  sum(stories.filter((story) => of(story) && story.cost?.unit === unit).map(({ cost }) => cost!.amount));
/** Of an even number of values either of the two in the middle. */
function middle(values: readonly number[]): readonly number[] {
  const sorted = [...values].sort((a, b) => a - b);
  return [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
}
const isOf =
  ({ agent, system, operation }: { agent?: string; system?: string; operation?: string }) =>
  (story: Story): boolean =>
    (agent === undefined || story.agent === agent) &&
    (system === undefined || story.system === system) &&
    (operation === undefined || story.operation === operation);

test('the record of the year has no break', async () => {
  const { client } = warehouse;
  const chains = await verifyRecord({ client, keys: new Map([[signer.key, publicKey]]) });
  expect(chains.flatMap(({ breaks }) => breaks)).toEqual([]);
  expect(sum(chains.map(({ verified }) => verified))).toBe([...eventsOf(stories)].length);
});

test('every call is counted once, for its owner, agent and system', async () => {
  const rows = await run('work-executed');
  const keys = new Set(stories.map(({ owner, agent, system }) => `${owner} ${agent} ${system}`));
  expect(new Set(rows.map(({ owner, agent, system }) => `${owner} ${agent} ${system}`))).toEqual(keys);
  for (const each of rows) {
    const own = stories.filter((story) => story.agent === each['agent'] && story.system === each['system']);
    const attached = own.filter(({ attachedCallId }) => attachedCallId !== null).length;
    expect(each).toMatchObject({
      calls: own.length + attached,
      allowed: own.filter(({ verdict }) => verdict === 'allow').length,
      held: own.filter(({ verdict }) => verdict === 'hold').length + attached,
      blocked: own.filter(({ verdict }) => verdict === 'block').length,
      executed: own.filter(({ executed }) => executed).length,
    });
  }
});

test('each operation is in the class of what happened to its calls, and the one without a rule is unmatched', async () => {
  const rows = await run('coverage');
  const keys = new Set(stories.map(({ system, operation }) => `${system} ${operation}`));
  expect(new Set(rows.map(({ system, operation }) => `${system} ${operation}`))).toEqual(keys);
  for (const each of rows) {
    const own = stories.filter(isOf({ system: String(each['system']), operation: String(each['operation']) }));
    const number = (verdict: Story['verdict']) => own.filter((story) => story.verdict === verdict).length;
    const attached = own.filter(({ attachedCallId }) => attachedCallId !== null).length;
    const ruled = own.filter((story) => isBlocked(story) && story.trigger !== 'default').length;
    expect(each).toMatchObject({
      class:
        number('hold') > 0 || (number('allow') === 0 && ruled > 0)
          ? 'guarded'
          : number('allow') > 0
            ? 'allowed'
            : 'unmatched',
      calls: own.length + attached,
      allowed: number('allow'),
      held: number('hold') + attached,
      blocked: number('block'),
      unmatched: own.filter(({ trigger }) => trigger === 'default').length,
      looked_at: number('hold') + attached + ruled,
      agents: new Set(own.map(({ agent }) => agent)).size,
    });
  }
  expect(rows.filter((each) => each['class'] === 'unmatched')).toMatchObject([{ operation: 'createFork' }]);
});

test('each rule has its hits', async () => {
  const rows = await run('rule-hits');
  const { rule, agent } = FACTS.blockedHotSpot;
  expect(row(rows, { rule })).toMatchObject({
    verdict: 'block',
    hits: count((story) => story.rule === rule),
    agents: new Set(stories.filter((story) => story.rule === rule).map((story) => story.agent)).size,
  });
  expect(stories.some((story) => story.rule === rule && story.agent === agent)).toBe(true);
  const { rule: stamped } = FACTS.rubberStamping;
  const held = holds(({ hold }) => hold.rule === stamped);
  const attached = held.filter(({ attachedCallId }) => attachedCallId !== null).length;
  expect(row(rows, { rule: stamped })).toMatchObject({ verdict: 'hold', hits: held.length + attached, levels: ['2'] });
  const { rule: drift } = FACTS.drift;
  const drifted = stories.flatMap(({ events }) => events).filter(({ type }) => type === 'call.drifted').length;
  expect(row(rows, { rule: drift })).toMatchObject({ verdict: 'drift', hits: drifted });
});

test('every agent has its verdicts, the levels of its holds, and the moment of its last call', async () => {
  const rows = await run('agents');
  expect(new Set(rows.map(({ agent }) => agent))).toEqual(new Set(stories.map(({ agent }) => agent)));
  const steps = [...eventsOf(stories)];
  for (const each of rows) {
    const own = steps.filter(({ agent }) => agent === each['agent']);
    const decided = own.filter(({ type }) => type === 'call.decided');
    // An agent that asks for help opens a hold without a call.
    const opened = own.filter(({ type, call_id }) => type === 'hold.opened' && call_id !== undefined);
    const levels = (level: number) => opened.filter((hold) => hold.level === level).length;
    expect(each).toMatchObject({
      owner: decided.at(-1)!.owner,
      calls: decided.length,
      allowed: decided.filter(({ verdict }) => verdict === 'allow').length,
      held: decided.filter(({ verdict }) => verdict === 'hold').length,
      blocked: decided.filter(({ verdict }) => verdict === 'block').length,
      to_approve: levels(2),
      to_take_over: levels(3),
    });
    const seen = own.filter(({ type }) => ['call.decided', 'call.refused', 'hold.opened'].includes(type));
    expect(Date.parse(String(each['last_at']))).toBe(Math.max(...seen.map(({ at }) => at)));
  }
  expect(sum(rows.map(({ to_take_over }) => Number(to_take_over)))).toBeGreaterThan(0);
});

test('the busiest day stands out in verdicts-over-time', async () => {
  const rows = await run('verdicts-over-time', { step: '1d' });
  const days = new Map<string, number>();
  for (const { at, attachedCallId, events } of stories) {
    days.set(dateOf(at), (days.get(dateOf(at)) ?? 0) + 1);
    const again = events.find(({ type, call_id }) => type === 'call.decided' && call_id === attachedCallId);
    if (again) days.set(dateOf(again.at), (days.get(dateOf(again.at)) ?? 0) + 1);
  }
  const shown = new Map(rows.map(({ at, calls }) => [String(at).slice(0, 10), calls]));
  expect([...days].map(([date]) => [date, shown.get(date)])).toEqual([...days]);
  const [busiest, next] = [...rows].sort((a, b) => Number(b['calls']) - Number(a['calls']));
  expect(String(busiest!['at'])).toMatch(FACTS.busiestDay.date);
  expect(Number(busiest!['calls'])).toBeGreaterThan(1.2 * Number(next!['calls']));
});

describe('people', () => {
  test('only the reviewer who rubber-stamps is flagged, with speed and share', async () => {
    const { reviewer, rule, medianMs, oneIn } = FACTS.rubberStamping;
    const rows = await run('rubber-stamping');
    const decided = holds((story) => isDecided(story) && story.hold.rule === rule);
    const approved = decided.filter(isApproved).length;
    expect(rows.filter(({ flagged }) => flagged === 'yes')).toHaveLength(1);
    const found = row(rows, { flagged: 'yes' });
    expect(found).toMatchObject({ reviewer, rule, decisions: decided.length, approved, edited: 0 });
    expect(found['approval_share']).toBeCloseTo(approved / decided.length, 9);
    expect(approved / decided.length).toBeCloseTo(1 - 1 / oneIn, 2);
    expect(middle(decided.map(took))).toContain(found['median_ms']);
    expect(Math.abs(Number(found['median_ms']) - medianMs)).toBeLessThan(medianMs / 10);
  });

  test('the outcomes of each rule are the decisions of people', async () => {
    const rows = await run('hold-outcomes');
    for (const rule of new Set(holds(() => true).map(({ hold }) => hold.rule))) {
      const shown = rows.filter((each) => each['rule'] === rule);
      const of = (status: string) => holds(({ hold }) => hold.rule === rule && hold.status === status).length;
      const added = (column: string) => sum(shown.map((each) => Number(each[column])));
      expect({
        rule,
        approved: added('approved'),
        edited: added('edited'),
        rejected: added('rejected'),
        taken_over: added('taken_over'),
        expired: added('expired'),
        other: added('other'),
        pending: added('pending'),
      }).toEqual({
        rule,
        approved: of('approved') + of('lapsed'),
        edited: holds((story) => story.hold.rule === rule && isApproved(story) && story.hold.edited.length > 0).length,
        rejected: of('rejected'),
        taken_over: of('taken-over'),
        expired: of('expired'),
        other: of('cancelled') + of('superseded'),
        pending: 0,
      });
    }
    const { rule, operation } = FACTS.takenOver;
    const found = row(rows, { rule, operation });
    expect(Number(found['taken_over'])).toBeGreaterThan(10);
    expect(found['approved']).toBe(0);
  });

  test('each group is listed with its time to decision', async () => {
    const rows = await run('decision-times');
    for (const group of new Set(holds(() => true).map(({ hold }) => hold.group))) {
      // Agents ask this one without a call, too.
      if (group === 'operations-desk') continue;
      const asked = holds((story) => story.hold.group === group && isAsked(story));
      const decided = asked.filter(isDecided);
      const found = row(rows, { group });
      expect(found).toMatchObject({ holds: asked.length, decided: decided.length, waiting: 0 });
      expect(middle(decided.map(took))).toContain(found['p50_ms']);
      expect(found['longest_ms']).toBe(Math.max(...decided.map(took)));
    }
  });

  test('only the slow group mostly breaches its service level', async () => {
    const { group, respondWithinMs } = FACTS.slowGroup;
    const rows = (await run('service-levels')).filter(
      (each) => !['(all)', 'operations-desk'].includes(String(each['group'])),
    );
    for (const each of rows) {
      const asked = holds((story) => story.hold.group === each['group'] && isAsked(story));
      expect(each).toMatchObject({ holds: asked.length, breached: asked.filter(isLate).length, waiting: 0 });
    }
    expect(rows.filter(({ breached_share }) => Number(breached_share) > 0.5).map((each) => each['group'])).toEqual([
      group,
    ]);
    expect(row(rows, { group })['asked_ms']).toBe(respondWithinMs);
  });

  test('most escalations come from the rule whose first group is too slow', async () => {
    const { rule, group } = FACTS.escalations;
    const rows = await run('escalations');
    const held = holds(({ hold }) => hold.rule === rule);
    const escalated = held.filter(({ hold }) => hold.escalations > 0);
    expect(rows[0]).toMatchObject({
      rule,
      group,
      holds: held.length,
      escalated: escalated.length,
      by_people: 0,
      approved: escalated.filter(isApproved).length,
      rejected: escalated.filter(({ hold }) => hold.status === 'rejected').length,
    });
  });

  test('the most frequent edit is named by its pointer', async () => {
    const { operation, pointer } = FACTS.edits;
    const rows = await run('edits', { system: 'erp' });
    const edited = holds((story) => story.operation === operation && story.hold.edited.includes(pointer));
    const found = row(rows, { operation, pointer });
    expect(found['edited']).toBe(edited.length);
    expect(found['decided']).toBe(holds((story) => story.operation === operation && isDecided(story)).length);
    expect(rows[0]).toBe(found);
  });

  test('the most frequent rejection code has its prevention', async () => {
    const { rule, agent, system, operation, code, missing } = FACTS.repeatedRejection;
    const found = (await run('rejections', { agent }))[0]!;
    const rejected = holds(({ hold }) => hold.rule === rule && hold.status === 'rejected');
    expect(found).toMatchObject({
      code,
      rejected: rejected.length,
      operations: [`${system} ${operation}`],
      rules: [rule],
    });
    for (const what of missing) {
      expect(
        rejected.filter((story) => story[what as 'task' | 'confidence'] === null).length / rejected.length,
      ).toBeGreaterThan(0.8);
      expect(found['prevention']).toContain(what);
      expect((found['apart'] as readonly string[]).some((each) => each.includes(what))).toBe(true);
    }
    const all = await run('rejections');
    for (const each of all)
      expect(each['rejected']).toBe(
        holds(({ hold }) => hold.status === 'rejected' && hold.code === each['code']).length,
      );
  });

  test('grants are counted with their uses', async () => {
    const rows = await run('grants');
    const used = holds(({ hold }) => hold.decidedBy.startsWith('grant_'));
    const given = stories.flatMap(({ events }) => events.filter(({ type }) => type === 'grant.created'));
    expect(sum(rows.map((each) => Number(each['used'])))).toBe(used.length);
    expect(sum(rows.map((each) => Number(each['created'])))).toBe(given.length);
    expect(used.length).toBeGreaterThan(0);
  });

  test('the review load of the week adds up to all holds', async () => {
    const rows = await run('review-load', { group: 'finance' });
    const asked = holds((story) => story.hold.group === 'finance' && isAsked(story));
    expect(sum(rows.map((each) => Number(each['holds'])))).toBe(asked.length);
    for (const each of rows) {
      const inHour = asked.filter(({ hold }) => {
        const at = new Date(hold.openedAt);
        return (at.getUTCDay() || 7) === each['weekday'] && at.getUTCHours() === each['hour'];
      });
      expect(each['holds']).toBe(inHour.length);
    }
  });
});

describe('agents', () => {
  test('only the drifting agent is named, with its new operations of the last week', async () => {
    const { agent, owner, operations } = FACTS.drifting;
    const rows = await run('scope-drift', { from: '7d', to: new Date(YEAR.to).toISOString() });
    expect(rows.map((each) => each['agent'])).toEqual([agent, agent]);
    for (const { system, operation } of operations) {
      const own = stories.filter(isOf({ agent, system, operation }));
      expect(row(rows, { system, operation })).toMatchObject({
        owner,
        calls: own.length,
        allowed: own.length,
        new_agent: '',
      });
      expect(Math.min(...own.map(({ at }) => at))).toBeGreaterThanOrEqual(YEAR.to - 7 * DAY);
    }
  });

  test('one operation is a candidate for autonomy, and one just below the threshold is not', async () => {
    const rows = await run('autonomy-candidates');
    const { share, ...candidate } = FACTS.autonomyCandidate;
    const decided = holds((story) => isOf(candidate)(story) && isDecided(story));
    const unchanged = decided.filter((story) => isApproved(story) && story.hold.edited.length === 0);
    const found = row(rows, candidate);
    expect(found).toMatchObject({ decided: decided.length, unchanged: unchanged.length });
    expect(unchanged.length / decided.length).toBeCloseTo(share, 1);

    const { share: _, ...not } = FACTS.noAutonomyCandidate;
    expect(rows.filter((each) => each['operation'] === not.operation)).toEqual([]);
    const near = row(await run('autonomy-candidates', { unchanged: '0.9' }), not);
    const others = holds((story) => isOf(not)(story) && isDecided(story));
    expect(near['unchanged']).toBe(
      others.filter((story) => isApproved(story) && story.hold.edited.length === 0).length,
    );
    expect(near['decided']).toBe(others.length);
  });

  test('missed holds are found where they were planted, and nowhere else', async () => {
    const { agent, system, operation, rule, code } = FACTS.missedHolds;
    const rows = await run('missed-holds');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      system,
      operation,
      alike: count((story) => isOf({ agent, system, operation })(story) && story.verdict === 'allow'),
      rejected: holds(({ hold }) => hold.rule === rule && hold.status === 'rejected').length,
      code,
    });
  });

  test('the blocked hot spot is listed first', async () => {
    const { agent, system, operation, rule } = FACTS.blockedHotSpot;
    const [first] = await run('blocked-hot-spots');
    const blocked = stories.filter(isBlocked);
    const own = blocked.filter((story) => story.rule === rule);
    expect(first).toMatchObject({ agent, system, operation, rule, blocked: own.length });
    expect(first!['share']).toBeCloseTo(own.length / blocked.length, 9);
  });

  test('fewer calls are resolved at first contact after the new rule', async () => {
    const { owner, since } = FACTS.firstContact;
    const change = new Date(since).toISOString();
    const resolved = (story: Story): boolean =>
      story.attempt === 1 &&
      (story.verdict === 'allow' || (isHeld(story) && isApproved(story) && story.hold.edited.length === 0));
    const share = async (from: string, to: string): Promise<number> => {
      const own = stories.filter(
        (story) => story.owner === owner && story.at >= Date.parse(from) && story.at < Date.parse(to),
      );
      const found = row(await run('first-contact-resolution', { from, to }), { owner });
      const first = own.filter(({ attempt }) => attempt === 1);
      const shown = { attempts: found['attempts'], resolved: found['resolved'] };
      expect(shown).toEqual({ attempts: first.length, resolved: first.filter(resolved).length });
      return Number(found['resolved_share']);
    };
    expect((await share(change, PERIOD.to)) + 0.04).toBeLessThan(await share(PERIOD.from, change));
  });
});

describe('cost', () => {
  test('the most expensive agent is listed first, and every sum is that of its calls', async () => {
    const { agent, owner, unit } = FACTS.highestCost;
    const rows = await run('cost');
    for (const each of rows) {
      const own = (story: Story) => story.agent === each['agent'];
      expect(each['cost']).toBeCloseTo(costs(own, String(each['cost_unit'])), 4);
    }
    const [first, second, third] = rows.filter(({ cost_unit }) => cost_unit === unit);
    expect(first).toMatchObject({ agent, owner });
    expect(Number(first!['cost'])).toBeGreaterThan(Number(second!['cost']) + Number(third!['cost']));
  });

  test('the cost that blocks and rejections avoided is their number times the price', async () => {
    const rows = await run('cost-avoided');
    const { each, unit, ...exported } = FACTS.costAvoided;
    const own = holds(isOf(exported));
    const rejected = own.filter(({ hold }) => hold.status === 'rejected').length;
    const expired = own.filter(({ hold }) => hold.status === 'expired').length;
    expect(rejected).toBeGreaterThan(5);
    const found = row(rows, { ...exported, cost_unit: unit });
    expect(found).toMatchObject({ rejected, expired, usual_cost: each });
    expect(found['cost_avoided']).toBeCloseTo((rejected + expired) * each, 6);

    const { each: price, rule, system, operation } = FACTS.costBlocked;
    const blocked = count((story) => story.rule === rule);
    expect(blocked).toBeGreaterThan(10);
    expect(row(rows, { system, operation })).toMatchObject({ blocked, usual_cost: price });
    expect(row(rows, { system, operation })['cost_avoided']).toBeCloseTo(blocked * price, 6);
  });
});

describe('what failed', () => {
  test('each layer answers for its own failures, each call once', async () => {
    const rows = await run('failures');
    const layers = {
      'policy-wrong': 'decide',
      'gateway-failed': 'decide',
      'boundary-exceeded': 'execute',
      'system-drifted': 'record',
      'system-failed': 'record',
    };
    // Calls that were refused before policy could see them have no story.
    const beside = [...eventsOf([])];
    for (const [failure, layer] of Object.entries(layers)) {
      for (const system of new Set(stories.map((story) => story.system))) {
        const own = stories.filter((story) => story.failure === failure && story.system === system);
        // Where the system fails, whoever came back for the answer hears of it too.
        const again = failure === 'system-failed' ? own.filter(({ attachedCallId }) => attachedCallId !== null) : [];
        const refused = beside.filter((event) => event.failure === failure && event.system === system);
        const shown = rows.filter((each) => each['failure'] === failure && each['system'] === system);
        const failures = sum(shown.map((each) => Number(each['failures'])));
        expect({ failure, system, failures }).toEqual({
          failure,
          system,
          failures: own.length + again.length + refused.length,
        });
        for (const each of shown) expect(each['layer']).toBe(layer);
      }
    }
  });

  test('the outage shows in the health of its system, and only during it', async () => {
    const { system, from, to } = FACTS.outage;
    const during = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
    const found = row(await run('system-health', during), { system });
    const sent = stories.filter(
      (story) => story.system === system && story.verdict === 'allow' && story.at >= from && story.at < to,
    );
    expect(sent.every(({ failure }) => failure === 'system-failed')).toBe(true);
    expect(found['failed_share']).toBe(1);
    expect(Number(found['unreachable'])).toBeGreaterThan(Number(found['too_slow']));
    const before = { from: new Date(from - 7 * DAY).toISOString(), to: during.from };
    expect(row(await run('system-health', before), { system })['failed_share']).toBeLessThan(0.1);
  });

  test('the broken policy is a revision with only faults', async () => {
    const broken = REVISIONS.find((each) => each.broken)!;
    const rows = await run('policy-revisions');
    const own = count(({ at }) => at >= FACTS.brokenPolicy.from && at < FACTS.brokenPolicy.to);
    // A call that was waiting is asked again, so a few more decisions may be in it.
    const found = row(rows, { revision: broken.revision });
    expect(found['faults']).toBe(own);
    expect(found['blocked_share']).toBe(1);
    expect(rows.filter((each) => Number(each['faults']) > 0)).toHaveLength(1);
    expect(rows).toHaveLength(new Set(REVISIONS.map(({ revision }) => revision)).size);
  });

  test('the slowest operation is listed', async () => {
    const { system, operation, medianMs } = FACTS.slowestUpstream;
    const rows = [...(await run('system-health', { by: 'operation' }))].sort(
      (a, b) => Number(b['p50_ms']) - Number(a['p50_ms']),
    );
    expect(rows[0]).toMatchObject({ system, operation });
    const own = stories.filter((story) => isOf({ system, operation })(story) && story.upstreamMs !== null);
    const [median] = middle(own.map(({ upstreamMs }) => upstreamMs!));
    expect(Math.abs(Number(rows[0]!['p50_ms']) - median!)).toBeLessThan(medianMs / 20);
    expect(Number(rows[1]!['p50_ms'])).toBeLessThan(1_300);
  });

  test('the gateway adds a millisecond or two, and decisions on SQL take longest', async () => {
    const rows = await run('gateway-latency', { by: 'operation' });
    const added = stories.map(({ addedMs }) => addedMs).filter((ms) => ms !== null);
    const all = row(rows, { system: '(all)' });
    expect(all['calls']).toBe(added.length);
    expect(middle(added)).toContain(all['added_p50_ms']);
    const { operation, medianUs } = FACTS.slowestDecision;
    const [slowest] = [...rows].sort((a, b) => Number(b['decide_p50_us']) - Number(a['decide_p50_us']));
    expect(slowest!['operation']).toBe(operation);
    expect(Math.abs(Number(slowest!['decide_p50_us']) - medianUs)).toBeLessThan(medianUs / 10);
  });
});
