import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { event } from '../events.ts';
import { openWarehouse, type Warehouse } from './warehouse.ts';

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
});

afterAll(() => warehouse[Symbol.asyncDispose]());

const AT = 1_790_000_000_000;
const NUMBERS = 'SETTINGS output_format_json_quote_64bit_integers = 0';
const iso = (at: number) => new Date(at).toISOString().replace('T', ' ').replace('Z', '');

const call: Partial<Event> = {
  decision_id: 'dec_1',
  agent: 'billing-bot',
  owner: 'ana@example.com',
  on_behalf_of: ['carl@example.com'],
  session: 's-1',
  task: 'T-1',
  system: 'payments',
  operation: 'createRefund',
  method: 'POST',
  path: '/v1/refunds',
  resource: 'refund/re_1',
  verdict: 'allow',
  rules: ['rules.payments/small'],
  policy_revision: 'abc',
  confidence: 0,
  flags: ['large'],
  trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
};

function step(call_id: string, type: Event['type'], at: number, more: Partial<Event> = {}): Event {
  return { ...event(0), event_id: `evt_${call_id}_${type}_${at}`, ...call, call_id, type, at, ...more };
}

async function callOf(call_id: string) {
  return (
    await warehouse.select(`SELECT * FROM holdpoint.calls WHERE call_id = {id:String} ${NUMBERS}`, { id: call_id })
  )[0];
}

async function holdOf(hold_id: string) {
  return (
    await warehouse.select(`SELECT * FROM holdpoint.holds WHERE hold_id = {id:String} ${NUMBERS}`, { id: hold_id })
  )[0];
}

const decided = { trigger: 'rule', reason: 'Small enough.', decide_us: 14, request_bytes: 334, input: '{}' } as const;
const completed = {
  layer: 'execute',
  status: 200,
  upstream_ms: 80,
  took_ms: 83,
  response_bytes: 1800,
  cost: 0.25,
  cost_unit: 'EUR',
} as const;

test('a call is one row, with everything that its steps told, in whatever order they came', async () => {
  const steps = [step('call_a', 'call.decided', AT, decided), step('call_a', 'call.completed', AT + 83, completed)];
  await warehouse.insert([steps[1]!]);
  expect(await callOf('call_a')).toMatchObject({ at: iso(AT + 83), ended_at: iso(AT + 83), status: 200, reason: '' });
  await warehouse.insert([steps[0]!]);
  const { input: _, ...told } = decided;
  const { layer: __, ...ended } = completed;
  expect(await callOf('call_a')).toEqual({
    call_id: 'call_a',
    ...call,
    ...told,
    ...ended,
    hold_id: '',
    node: 'node-1',
    code: '',
    failure: '',
    held_ms: 0,
    at: iso(AT),
    ended_at: iso(AT + 83),
  });
});

test('a call that is still open has no end', async () => {
  await warehouse.insert([step('call_open', 'call.decided', AT, decided)]);
  expect(await callOf('call_open')).toMatchObject({ ended_at: null, status: 0, confidence: 0 });
});

test('a call that was sent after its caller had left ends as the system answered', async () => {
  const held = { verdict: 'hold', hold_id: 'hold_left' } as const;
  await warehouse.insert([
    step('call_left', 'call.decided', AT, { ...decided, verdict: 'hold' }),
    step('call_left', 'hold.opened', AT + 1, { ...held, rules: ['rules.payments/other'], node: 'node-9' }),
    step('call_left', 'call.completed', AT + 5, { ...held, status: 202, code: 'approval-pending', held_ms: 4 }),
  ]);
  expect(await callOf('call_left')).toMatchObject({ status: 202, code: 'approval-pending', hold_id: 'hold_left' });
  await warehouse.insert([
    step('call_left', 'hold.executed', AT + 9000, {
      ...held,
      status: 201,
      cost: 2,
      cost_unit: 'EUR',
      upstream_ms: 70,
      node: 'node-9',
    }),
  ]);
  expect(await callOf('call_left')).toMatchObject({
    status: 201,
    code: '',
    at: iso(AT),
    ended_at: iso(AT + 5),
    cost: 2,
    node: 'node-1',
    rules: ['rules.payments/small'],
    held_ms: 4,
  });
});

test('a call that drifted, or whose release failed, says what failed', async () => {
  await warehouse.insert([
    step('call_drift', 'call.decided', AT, decided),
    step('call_drift', 'call.completed', AT + 10, completed),
    step('call_drift', 'call.drifted', AT + 11, { reason: 'Another amount.', failure: 'system-drifted', status: 200 }),
    step('call_failed', 'call.decided', AT, { ...decided, verdict: 'hold' }),
    step('call_failed', 'hold.failed', AT + 11, { hold_id: 'hold_f', failure: 'system-failed', verdict: 'hold' }),
  ]);
  expect(await callOf('call_drift')).toMatchObject({ failure: 'system-drifted', reason: 'Small enough.', status: 200 });
  expect(await callOf('call_failed')).toMatchObject({ failure: 'system-failed', hold_id: 'hold_f' });
});

test('a call that spans the end of a month is one row, in the month in which it began', async () => {
  const midnight = Date.UTC(2026, 9, 1);
  await warehouse.insert([step('call_month', 'call.decided', midnight - 5, decided)]);
  await warehouse.insert([step('call_month', 'call.completed', midnight + 5, completed)]);
  const within = (where: string) =>
    warehouse.select(`SELECT call_id FROM holdpoint.calls WHERE ${where} AND call_id = 'call_month'`);
  expect(await within(`at >= '2026-10-01 00:00:00'`)).toEqual([]);
  expect(await within(`at < '2026-10-01 00:00:00' AND status = 200`)).toEqual([{ call_id: 'call_month' }]);
  expect(await within(`ended_at >= '2026-10-01 00:00:00'`)).toEqual([{ call_id: 'call_month' }]);
});

const byPerson = { actor: 'ben@example.com', actor_kind: 'reviewer', channel: 'console' } as const;
const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;
const why = 'Over the limit.';

/** Steps of one hold, so many milliseconds after it opened. */
function held(hold_id: string, steps: readonly (readonly [number, Event['type'], Partial<Event>?])[]): Event[] {
  return steps.map(([after, type, more], i) => ({
    ...step(`call_of_${hold_id}`, type, AT + after, { verdict: 'hold', reason: why, hold_id, ...byGateway, ...more }),
    event_id: `evt_${hold_id}_${i}`,
  }));
}

const opened = [0, 'hold.opened', { level: 2, groups: ['finance'], respond_within_ms: 1000 }] as const;

test('a hold is one row: who decided it when, what was changed, and what became of it', async () => {
  await warehouse.insert(
    held('hold_whole', [
      opened,
      [100, 'hold.attached', { actor: 'billing-bot', actor_kind: 'agent' }],
      [200, 'hold.reminded', { held_ms: 200 }],
      [300, 'hold.claimed', { ...byPerson, held_ms: 300 }],
      [400, 'hold.escalated', { ...byPerson, reason: 'to finance-leads', held_ms: 400 }],
      [1500, 'hold.edited', { ...byPerson, changes: ['/amount', '/reason'], held_ms: 1500 }],
      [1500, 'hold.voted', { ...byPerson, held_ms: 1500 }],
      [2000, 'hold.voted', { ...byPerson, actor: 'rob@example.com', reason: 'fine', held_ms: 2000 }],
      [2000, 'hold.approved', { ...byPerson, actor: 'rob@example.com', reason: 'fine', held_ms: 2000 }],
      [2010, 'hold.released', { held_ms: 2010 }],
      [2100, 'hold.executed', { status: 201, upstream_ms: 90, cost: 3, cost_unit: 'EUR' }],
    ]),
  );
  const { on_behalf_of: _, verdict: _1, ...described } = call;
  expect(await holdOf('hold_whole')).toEqual({
    ...described,
    hold_id: 'hold_whole',
    call_id: 'call_of_hold_whole',
    reason: why,
    level: 2,
    groups: ['finance'],
    opened_at: iso(AT),
    decided_at: iso(AT + 2000),
    status: 'approved',
    decided_by: 'rob@example.com',
    decided_kind: 'reviewer',
    channel: 'console',
    code: '',
    note: 'fine',
    to_decision_ms: 2000,
    respond_within_ms: 1000,
    breached: 1,
    claims: 1,
    votes: 2,
    edits: 1,
    changes: ['/amount', '/reason'],
    escalations: 1,
    reminders: 1,
    attached: 1,
    execution: 'executed',
    executed_at: iso(AT + 2100),
    upstream_status: 201,
    upstream_ms: 90,
    cost: 3,
    cost_unit: 'EUR',
  });
});

const decidedBy = { decided_by: 'ben@example.com', decided_kind: 'reviewer' };
const ENDINGS: Record<string, [(readonly [number, Event['type'], Partial<Event>?])[], object]> = {
  'waits for people': [
    [opened],
    { status: 'pending', decided_at: null, decided_by: '', to_decision_ms: 0, execution: 'none', breached: 1 },
  ],
  'was approved in time': [
    [opened, [800, 'hold.approved', { ...byPerson, held_ms: 800 }]],
    { status: 'approved', ...decidedBy, note: '', breached: 0, executed_at: null },
  ],
  'was rejected': [
    [opened, [1200, 'hold.rejected', { ...byPerson, code: 'wrong-amount', reason: 'Too much.', held_ms: 1200 }]],
    { status: 'rejected', ...decidedBy, code: 'wrong-amount', note: 'Too much.', to_decision_ms: 1200, breached: 1 },
  ],
  'was covered by a grant in the moment it opened': [
    [opened, [0, 'hold.approved', { actor: 'grant_1', held_ms: 0 }], [0, 'grant.used', {}]],
    { status: 'approved', decided_by: 'grant_1', decided_kind: 'gateway', to_decision_ms: 0, decided_at: iso(AT) },
  ],
  'was opened again in the moment it was approved': [
    [
      opened,
      [500, 'hold.approved', { ...byPerson, held_ms: 500 }],
      [500, 'hold.reopened', { reason: 'Policy changed.' }],
    ],
    { status: 'pending', decided_at: null, decided_by: '', reason: why },
  ],
  'was decided again after it was opened again': [
    [
      opened,
      [500, 'hold.approved', { ...byPerson, held_ms: 500 }],
      [600, 'hold.reopened', {}],
      [900, 'hold.rejected', { ...byPerson, actor: 'rob@example.com', code: 'other', held_ms: 900 }],
    ],
    { status: 'rejected', decided_by: 'rob@example.com', to_decision_ms: 900 },
  ],
  'lapsed: the decision stays that of the person': [
    [opened, [500, 'hold.approved', { ...byPerson, held_ms: 500 }], [90_000, 'hold.lapsed', { held_ms: 90_000 }]],
    { status: 'lapsed', ...decidedBy, to_decision_ms: 500, breached: 0 },
  ],
  'was superseded after it was approved': [
    [
      opened,
      [500, 'hold.approved', { ...byPerson, held_ms: 500 }],
      [600, 'hold.superseded', { held_ms: 600, reason: 'Now blocked.' }],
    ],
    { status: 'superseded', decided_by: 'holdpoint', note: 'Now blocked.' },
  ],
  'was released and executed within one millisecond': [
    [opened, [500, 'hold.approved', byPerson], [500, 'hold.released'], [500, 'hold.executed', { status: 204 }]],
    { status: 'approved', execution: 'executed', upstream_status: 204 },
  ],
  'was sent again after its outcome was unknown': [
    [opened, [1, 'hold.approved', byPerson], [2, 'hold.released'], [9, 'hold.indeterminate'], [20, 'hold.released']],
    { execution: 'releasing', executed_at: null },
  ],
  'turned out to have been executed': [
    [opened, [2, 'hold.released'], [9, 'hold.indeterminate'], [50, 'hold.confirmed', { code: 'executed' }]],
    { execution: 'confirmed-executed', executed_at: iso(AT + 50) },
  ],
  'turned out not to have been executed': [
    [opened, [2, 'hold.released'], [9, 'hold.indeterminate'], [50, 'hold.confirmed', { code: 'not-executed' }]],
    { execution: 'confirmed-not', executed_at: null },
  ],
};

test.each(Object.entries(ENDINGS))('a hold that %s, its steps in any order', async (name, [steps, expected]) => {
  const id = `hold_${name.replaceAll(/\W/g, '_')}`;
  const events = held(id, steps);
  // Each in a block of its own, the last first: nothing rests on the order of arrival.
  for (const one of events.toReversed()) await warehouse.insert([one]);
  expect(await holdOf(id)).toMatchObject(expected);
});

test('a minute adds up what happened in it', async () => {
  const minute = Date.UTC(2026, 9, 5, 12, 30);
  const of = { agent: 'counting-bot' };
  await warehouse.insert([
    step('call_m1', 'call.decided', minute, { ...decided, ...of }),
    step('call_m1', 'call.completed', minute + 59_999, { ...completed, ...of }),
    step('call_m2', 'call.decided', minute + 59_000, { ...decided, ...of, decide_us: 1000 }),
    step('call_m2', 'call.completed', minute + 60_000, { ...completed, ...of, failure: 'system-failed', status: 502 }),
    step('', 'call.refused', minute, { ...of, operation: '', verdict: 'block', failure: 'boundary-exceeded' }),
    { ...step('call_m3', 'hold.executed', minute, { ...of, verdict: 'hold', cost: 2, cost_unit: 'EUR', status: 200 }) },
  ]);
  const rows = await warehouse.select(
    `SELECT toString(minute) AS minute, verdict, sum(calls) AS calls, sum(completed) AS completed, sum(failed) AS failed,
      sum(cost) AS cost, sum(decide_us_sum) AS decide, sum(upstream_ms_sum) AS upstream, sum(request_bytes) AS asked,
      sum(response_bytes) AS answered, quantilesTDigestMerge(0.5, 0.9, 0.99)(decide_us)[3] AS p99
    FROM holdpoint.minutes WHERE agent = 'counting-bot' GROUP BY minute, verdict ORDER BY minute, verdict ${NUMBERS}`,
  );
  const zero = { calls: 0, completed: 0, failed: 0, cost: 0, decide: 0, upstream: 0, asked: 0, answered: 0, p99: null };
  expect(rows).toEqual([
    {
      ...zero,
      minute: '2026-10-05 12:30:00',
      verdict: 'allow',
      calls: 2,
      completed: 1,
      cost: 0.25,
      decide: 1014,
      upstream: 80,
      asked: 668,
      answered: 1800,
      p99: 1000,
    },
    { ...zero, minute: '2026-10-05 12:30:00', verdict: 'block' },
    { ...zero, minute: '2026-10-05 12:30:00', verdict: 'hold', cost: 2 },
    {
      ...zero,
      minute: '2026-10-05 12:31:00',
      verdict: 'allow',
      completed: 1,
      failed: 1,
      cost: 0.25,
      upstream: 80,
      answered: 1800,
    },
  ]);
});

test('calls, holds and minutes are exact whatever the batches are, retried or not, merged or not', async () => {
  const tables = ['events', 'call_states', 'hold_states', 'minute_states'];
  const stories = Array.from({ length: 12 }, (_, n) => [
    step(`call_${n}`, 'call.decided', AT + n, decided),
    ...held(`hold_${n}`, [opened, [700 + n, 'hold.approved', byPerson], [800, 'hold.executed', { status: 200 }]]),
    step(`call_${n}`, 'call.completed', AT + 900, completed),
  ]).flat();
  const state = async () => ({
    calls: await warehouse.select(`SELECT * FROM holdpoint.calls ORDER BY call_id`),
    holds: await warehouse.select(`SELECT * FROM holdpoint.holds ORDER BY hold_id`),
    minutes: await warehouse.select(`SELECT * EXCEPT decide_us FROM holdpoint.minutes ORDER BY ALL`),
  });
  const empty = async () => {
    for (const table of tables) await warehouse.client.command({ query: `TRUNCATE TABLE holdpoint.${table}` });
  };
  await empty();
  await warehouse.insert(stories);
  const expected = await state();
  expect(expected.calls).toHaveLength(12 + 12);
  expect(expected.holds).toHaveLength(12);

  let run = 0;
  const batches = fc.tuple(
    fc.shuffledSubarray(stories, { minLength: stories.length, maxLength: stories.length }),
    fc.array(fc.nat(stories.length), { maxLength: 3 }),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(batches, async ([events, cuts, retried]) => {
      await empty();
      run += 1;
      const ends = [0, ...new Set(cuts), events.length].toSorted((a, b) => a - b);
      for (const [i, from] of ends.slice(0, -1).entries()) {
        const batch = events.slice(from, ends[i + 1]);
        if (batch.length === 0) continue;
        const delivery = { chain: `chain-run-${run}`, from: from + 1 };
        await warehouse.insert(batch, delivery);
        if (retried) await warehouse.insert(batch, delivery);
      }
      expect(await state()).toEqual(expected);
      for (const table of tables) await warehouse.client.command({ query: `OPTIMIZE TABLE holdpoint.${table} FINAL` });
      expect(await state()).toEqual(expected);
    }),
    { numRuns: 4 },
  );
});

test('a period of calls and one hold are found without reading the others', async () => {
  const reads = async (query: string) =>
    (await warehouse.select<{ explain: string }>(`EXPLAIN indexes = 1 ${query}`))
      .map(({ explain }) => explain.trim())
      .join('\n');
  expect(await reads(`SELECT count() FROM holdpoint.calls WHERE at >= '2030-01-01 00:00:00'`)).toMatch(
    /Name: by_time\n.*\n.*\n.*Parts: 0\//,
  );
  expect(await reads(`SELECT * FROM holdpoint.holds WHERE hold_id = 'x'`)).toMatch(/Keys:\nhold_id/);
});

test('the rules of each revision of the policy have a row for each place', async () => {
  const activated = (id: string, at: number, policy_revision: string, line: number): Event => ({
    event_id: id,
    at,
    node: 'node-1',
    type: 'policy.activated',
    layer: 'decide',
    actor: 'holdpoint',
    actor_kind: 'gateway',
    policy_revision,
    rules: ['rules.crm/big', 'rules.crm/big', 'rules.all/any'],
    rule_verdicts: ['hold', 'hold', 'allow'],
    rule_places: [`rules/crm.rego:${line}`, 'a:1/crm.rego:7', 'rules/all.rego:3'],
  });
  await warehouse.insert([activated('evt_1', AT, 'p1', 5), activated('evt_2', AT + 1, 'p2', 6)]);
  await warehouse.insert([activated('evt_3', AT + 2, 'p1', 5)]);
  const of = (policy_revision: string) =>
    warehouse.select('SELECT * FROM holdpoint.policy_rules WHERE policy_revision = {p:String} ORDER BY file', {
      p: policy_revision,
    });
  const first = { policy_revision: 'p1', first_active_at: iso(AT) };
  expect(await of('p1')).toEqual([
    { ...first, rule: 'rules.crm/big', verdict: 'hold', file: 'a:1/crm.rego', line: 7 },
    { ...first, rule: 'rules.all/any', verdict: 'allow', file: 'rules/all.rego', line: 3 },
    { ...first, rule: 'rules.crm/big', verdict: 'hold', file: 'rules/crm.rego', line: 5 },
  ]);
  expect(await of('p2')).toMatchObject([{}, {}, { file: 'rules/crm.rego', line: 6 }]);
});

test.each(['calls', 'holds', 'minutes', 'policy_rules'])('clients read names from %s as plain text', async (view) => {
  const query = `SELECT * FROM holdpoint.${view} LIMIT 0`;
  const { meta } = await (await warehouse.client.query({ query, format: 'JSON' })).json();
  const declared = await warehouse.select<{ name: string; type: string }>(`DESCRIBE holdpoint.${view}`);
  const names = declared
    .filter(({ type }) => type.includes('LowCardinality'))
    .map(({ name, type }) => ({ name, type }));
  expect(names.length).toBeGreaterThan(1);
  expect(meta!.filter(({ name }) => names.some((each) => each.name === name))).toEqual(names);
});
