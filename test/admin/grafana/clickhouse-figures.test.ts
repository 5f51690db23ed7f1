import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FACTS } from '../../../bench/year/facts.ts';
import type { Story } from '../../../bench/year/story.ts';
import { ALL, openYear, WAITING, type Row, type YearInGrafana } from './year.ts';

let year: YearInGrafana;

beforeAll(async () => {
  year = await openYear();
}, 240_000);
afterAll(() => year[Symbol.asyncDispose]());

const sum = (values: readonly unknown[]): number => values.reduce<number>((total, value) => total + Number(value), 0);

describe('figures are those of the reports', () => {
  /** Panels with the rows of a report: the report, what it is asked, and the columns that both have. */
  const SAME: readonly (readonly [title: string, report: string, columns: string])[] = [
    [
      'Work by owner, agent and system',
      'work-executed',
      'owner agent system calls allowed held blocked executed failed executed_share',
    ],
    ['Cost by owner and agent', 'cost', 'owner agent cost_unit cost share calls cost_per_call'],
    ['Blocked hot spots', 'blocked-hot-spots', 'agent owner system operation rule blocked share'],
    ['Failures by layer', 'failures', 'layer failure system failures share'],
    ['Health of systems', 'system-health', 'system calls failed failed_share unreachable too_slow'],
    ['Time to decision by group', 'decision-times', 'group holds decided waiting p50_ms p90_ms longest_ms'],
    ['Service levels by group', 'service-levels', 'group holds breached waiting breached_share asked_ms late_p50_ms'],
    [
      'Outcomes of each rule',
      'hold-outcomes',
      'rule system operation holds approved edited rejected taken_over expired pending approved_share',
    ],
    ['Reasons for rejection', 'rejections', 'code rejected'],
  ];
  /** These columns. The last digits of a sum depend on the order in which rows are read. */
  const only = (row: Row, columns: string) =>
    Object.fromEntries(columns.split(' ').map((name) => [name, rounded(row[name])]));
  const rounded = (value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(12)) : value);

  test.each(SAME)('%s: %s', async (title, name, columns) => {
    const shown = await year.rows(title);
    const reported = await year.report(name);
    expect(shown.length).toBeGreaterThan(1);
    expect(shown.map((row) => only(row, columns))).toEqual(reported.map((row) => only(row, columns)));
  });

  test('Time that the gateway adds: gateway-latency', async () => {
    const reported = (await year.report('gateway-latency')).filter(({ system }) => system !== '(all)');
    const columns = 'system calls added_p50_ms added_p90_ms added_p99_ms';
    const shown = await year.rows('Time that the gateway adds');
    const bySystem = (a: Row, b: Row) => (String(a['system']) < String(b['system']) ? -1 : 1);
    expect(shown.map((row) => only(row, columns)).toSorted(bySystem)).toEqual(
      reported.map((row) => only(row, columns)).toSorted(bySystem),
    );
    for (const row of shown) {
      const same = reported.find(({ system }) => system === row['system'])!;
      // An approximation, which depends on the order in which rows are read.
      expect(Number(row['decide_p99_us']) / Number(same['decide_p99_us'])).toBeCloseTo(1, 1);
    }
  });

  test('Calls over time, day by day: verdicts-over-time', async () => {
    const of = (row: Row, time: string) => [
      String(row[time]).slice(0, 10),
      row['allowed'],
      row['held'],
      row['blocked'],
    ];
    const reported = (await year.report('verdicts-over-time', { step: '1d' })).filter(({ calls }) => Number(calls) > 0);
    expect((await year.rows('Calls over time')).map((row) => of(row, 'time'))).toEqual(
      reported.map((row) => of(row, 'at')),
    );
  });

  test('Holds by hour of the day: review-load, with all days of the week', async () => {
    const reported = Map.groupBy(await year.report('review-load'), ({ hour }) => String(hour).padStart(2, '0'));
    expect(new Map((await year.rows('Holds by hour of the day')).map(({ hour, holds }) => [hour, holds]))).toEqual(
      new Map([...reported].map(([hour, those]) => [hour, sum(those.map(({ holds }) => holds))])),
    );
  });

  test('the single figures are the sums of the tables', async () => {
    const work = await year.report('work-executed');
    const total = (column: string) => sum(work.map((row) => row[column]));
    const [calls, allowed, held, blocked] = ['calls', 'allowed', 'held', 'blocked'].map(total);
    expect(await year.rows('Calls')).toEqual([{ calls, allowed, held, blocked }]);
    expect(await year.rows('Done without people')).toEqual([{ allowed_share: allowed! / calls! }]);
    expect(await year.rows('Failed')).toEqual([{ failed: total('failed') }]);
    expect(sum((await year.rows('Failed calls over time')).map(({ failed }) => failed))).toBe(total('failed'));
    for (const title of ['Calls by system', 'Busiest operations']) {
      const most = await year.rows(title);
      expect(most.length).toBeLessThanOrEqual(15);
      expect(sum(most.map((row) => row['allowed']))).toBeLessThanOrEqual(allowed!);
    }
    expect(sum((await year.rows('Calls by system')).map((row) => row['held']))).toBe(held);

    const [decisions] = await year.report('decision-times');
    expect(await year.rows('Held calls')).toEqual([{ holds: decisions!['holds'], decided: decisions!['decided'] }]);
    expect(await year.rows('Time to decision')).toEqual([{ p50: decisions!['p50_ms'], p90: decisions!['p90_ms'] }]);
    const [levels] = await year.report('service-levels');
    expect(await year.rows('Later than asked')).toEqual([{ breached_share: levels!['breached_share'] }]);
    expect(await year.rows('Waiting')).toEqual([{ waiting: decisions!['waiting'], overdue: levels!['waiting'] }]);
    const outcomes = await year.rows('What became of holds');
    expect(sum(outcomes.flatMap(({ time, ...numbers }) => (time ? Object.values(numbers) : [])))).toBe(
      decisions!['holds'],
    );

    const costs = Map.groupBy(await year.report('cost'), ({ cost_unit }) => cost_unit);
    for (const [unit, those] of costs) {
      const over = (await year.rows('Cost over time')).filter(({ cost_unit }) => cost_unit === unit);
      expect(sum(over.map(({ cost }) => cost))).toBeCloseTo(sum(those.map(({ cost }) => cost)), 4);
    }
  });
});

describe('what was planted in the year stands out', () => {
  const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);
  const most = (shown: readonly Row[], value: (row: Row) => unknown) =>
    shown.toSorted((a, b) => Number(value(b)) - Number(value(a)))[0]!;

  test('the busiest day', async () => {
    const busiest = most(await year.rows('Calls over time'), ({ allowed, held, blocked }) =>
      sum([allowed, held, blocked]),
    );
    expect(busiest['time']).toContain(FACTS.busiestDay.date);
  });

  test('the agent that is blocked again and again, and what it tries', async () => {
    expect((await year.rows('Blocked hot spots'))[0]).toMatchObject(FACTS.blockedHotSpot);
  });

  test('the agent with the highest cost', async () => {
    const { agent, owner, unit } = FACTS.highestCost;
    const paid = await year.rows('Cost by owner and agent');
    expect(paid.find(({ cost_unit }) => cost_unit === unit)).toMatchObject({ agent, owner });
  });

  test('the outage, the broken policy and the days without a store, each on its day', async () => {
    const failed = await year.rows('Failed calls over time');
    const worst = (failure: string) =>
      most(
        failed.filter((row) => row['failure'] === failure),
        (row) => row['failed'],
      );
    expect(worst('system-failed')['time']).toContain(dayOf(FACTS.outage.from));
    expect(worst('policy-wrong')['time']).toContain(dayOf(FACTS.brokenPolicy.from));
    expect(worst('gateway-failed')['time']).toContain(dayOf(FACTS.storeAway.from));
    const during = { ...ALL, from: FACTS.outage.from, to: FACTS.outage.to - 1000 };
    expect((await year.rows('Health of systems', during))[0]).toMatchObject({
      system: FACTS.outage.system,
      failed_share: 1,
    });
    const last = await year.rows('Last failed calls', during);
    expect(new Set(last.map(({ system }) => system))).toEqual(new Set([FACTS.outage.system]));
    expect(year.stories.map(({ callId }) => callId)).toContain(last[0]!['call_id']);
  });

  test('the system with the slowest decisions', async () => {
    const slow = most(await year.rows('Time that the gateway adds'), (row) => row['decide_p99_us']);
    expect(slow['system']).toBe(FACTS.slowestDecision.system);
  });

  test('the group that decides late, and no other', async () => {
    const late = (await year.rows('Service levels by group')).filter(
      ({ group, breached_share }) => Number(breached_share) > 0.5 && group !== WAITING.groups[0],
    );
    expect(late.map(({ group }) => group)).toEqual([FACTS.slowGroup.group]);
  });

  test('the reviewer who approves without reading', async () => {
    const { reviewer, medianMs, oneIn } = FACTS.rubberStamping;
    const [fastest, next] = (await year.rows('Reviewers')).toSorted(
      (a, b) => Number(a['median_ms']) - Number(b['median_ms']),
    );
    expect(fastest!['reviewer']).toBe(reviewer);
    expect(fastest!['unchanged_share']).toBeCloseTo(1 - 1 / oneIn, 2);
    expect(Math.abs(Number(fastest!['median_ms']) - medianMs)).toBeLessThan(medianMs / 10);
    expect(Number(next!['median_ms'])).toBeGreaterThan(5 * medianMs);
  });

  test('the code with which one agent is rejected', async () => {
    const { agent, system, operation, rule, code } = FACTS.repeatedRejection;
    const isOne = ({ hold }: Story) => hold?.rule === rule && hold.status === 'rejected' && hold.code === code;
    const rejected = year.stories.filter(isOne).length;
    const shown = await year.rows('Where people reject');
    expect(shown.find((row) => row['agent'] === agent)).toMatchObject({
      system,
      operation,
      rules: rule,
      code,
      rejected,
    });
  });

  test('the operation that people take over', async () => {
    const { rule, operation } = FACTS.takenOver;
    const taken = most(await year.rows('Outcomes of each rule'), (row) => row['taken_over']);
    expect(taken).toMatchObject({ rule, operation, approved: 0 });
  });

  test('shares of decisions are those of the stories', async () => {
    const decided = year.stories.flatMap(({ hold }) =>
      hold?.byPerson && ['approved', 'lapsed', 'rejected', 'taken-over'].includes(hold.status) ? [hold] : [],
    );
    const of = (fits: (hold: (typeof decided)[number]) => boolean) => decided.filter(fits).length;
    const isApproved = (status: string) => status === 'approved' || status === 'lapsed';
    const unchanged = of(({ status, edited }) => isApproved(status) && edited.length === 0);
    expect(await year.rows('Approved unchanged')).toEqual([{ unchanged_share: unchanged / decided.length }]);
    const shown = await year.rows('What reviewers decide');
    const total = (column: string) => sum(shown.map((row) => row[column]));
    expect(['unchanged', 'edited', 'rejected', 'taken_over'].map(total)).toEqual([
      unchanged,
      of(({ status, edited }) => isApproved(status) && edited.length > 0),
      of(({ status }) => status === 'rejected'),
      of(({ status }) => status === 'taken-over'),
    ]);
  });

  test('the hold that waits, overdue', async () => {
    expect(await year.rows('Waiting, oldest first')).toMatchObject([
      { hold_id: WAITING.hold_id, overdue: 'overdue', agent: 'late-bot', asked: 'treasury', reason: WAITING.reason },
    ]);
  });

  test('the last rejection, with the note of the reviewer', async () => {
    const rejected = year.stories.flatMap(({ hold }) => (hold?.status === 'rejected' ? [hold] : []));
    const last = rejected.toSorted((a, b) => b.decidedAt - a.decidedAt)[0]!;
    expect((await year.rows('Last rejections'))[0]).toMatchObject({ hold_id: last.holdId, decided_by: last.decidedBy });
  });
});
