import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { openHoldStore, type HoldStoreOptions } from '../../../../gateway/holds/store/store.ts';
import type { Event } from '../../../../gateway/domain/event.ts';
import { openTestJournal } from '../../../audit/events.ts';

/** Rows of a batch. It is small, so that a short story has many batches. */
export const BATCH = 12;
/** The kinds of a journal's events repeat: a call's end, its decision, a hold's beginning and its end. */
const KINDS = ['call.decided', 'call.completed', 'hold.opened', 'hold.rejected'] as const;
const EVENTS = 32;
const SUSPENDED = 3;
/** The event that ClickHouse refuses, for a number that is not one. */
const REFUSED = 20;

export function storeOptions(path: string, label: string): HoldStoreOptions {
  const key = Buffer.alloc(32, 7);
  return { file: join(path, 'holds.sqlite'), key, node: label, reviewers: [], compose: () => [] };
}

/** The nth event of a story. Stories have calls, decided and ended, and holds. */
export function step(label: string, n: number, more: Partial<Event> = {}): Event {
  const type = KINDS[n % KINDS.length]!;
  const whose = type.startsWith('call')
    ? { call_id: `${label}-call-${Math.floor(n / KINDS.length)}` }
    : { hold_id: `${label}-hold-${Math.floor(n / KINDS.length)}` };
  return {
    event_id: `${label}-${n}`,
    at: 1_790_000_000_000 + n * 20_000,
    node: label,
    type,
    layer: 'decide',
    ...whose,
    agent: label,
    owner: 'ana@example.com',
    system: 'payments',
    verdict: 'allow',
    ...(type === 'call.completed' ? { cost: 0.5, cost_unit: 'EUR', status: 200 } : {}),
    ...more,
  };
}

/** A folder as a gateway leaves it: a journal of two runs, with a row that ClickHouse refuses, and an outbox. */
export async function lay(path: string, label: string): Promise<void> {
  for (const [from, to] of [
    [0, EVENTS / 2],
    [EVENTS / 2, EVENTS],
  ] as const) {
    const journal = await openTestJournal(join(path, 'journal', 'worker-1'), { node: label });
    for (let n = from; n < to; n++) {
      journal.append(step(label, n, n === REFUSED ? { status: 'none' as unknown as number } : {}));
    }
    await journal.close();
  }
  const store = await openHoldStore(storeOptions(path, label));
  for (let n = 0; n < SUSPENDED; n++) {
    await store.suspensions.suspend({ kind: 'agent', name: `${label}-${n}`, by: 'ben', channel: 'api', reason: null });
  }
  await store.close();
}

/** The rows that ClickHouse has of a story: events by chain and, through the views, calls, holds and sums. */
export async function read(client: ClickHouseClient, label: string): Promise<object> {
  const ask = async (query: string) => {
    const result = await client.query({ query, query_params: { label }, format: 'JSONEachRow' });
    return await result.json<Record<string, number>>();
  };
  const [counts] = await ask(`
    SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(event_id)) AS events,
      toUInt32(uniqExact(chain, seq)) AS numbers, toUInt32(uniqExact(chain)) AS chains,
      toUInt32((SELECT sum(last) FROM (SELECT max(seq) AS last FROM holdpoint.events WHERE node = {label:String} GROUP BY chain))) AS last,
      toUInt32((SELECT uniqExact(chain, seq) FROM holdpoint.checkpoints WHERE node = {label:String})) AS checkpoints
    FROM holdpoint.events WHERE node = {label:String}`);
  const [calls] = await ask(`
    SELECT toUInt32(count()) AS calls, toUInt32(uniqExact(call_id)) AS ids, sum(cost) AS call_cost
    FROM holdpoint.calls WHERE agent = {label:String}`);
  const [holds] = await ask(`
    SELECT toUInt32(count()) AS holds, toUInt32(uniqExact(hold_id)) AS hold_ids, toUInt32(countIf(status = 'rejected')) AS rejected
    FROM holdpoint.holds WHERE agent = {label:String}`);
  const [minutes] = await ask(`
    SELECT toUInt32(sum(calls)) AS decided, toUInt32(sum(completed)) AS completed, sum(cost) AS minute_cost
    FROM holdpoint.minutes WHERE agent = {label:String}`);
  return { ...counts, ...calls, ...holds, ...minutes };
}

/** The result of `read` if the whole story arrived once. */
export function whole(): object {
  const each = EVENTS / KINDS.length;
  const rows = EVENTS - 1 + SUSPENDED;
  return {
    rows,
    events: rows,
    numbers: rows,
    chains: 2,
    last: EVENTS + SUSPENDED,
    checkpoints: 3,
    // The refused row is the decision of one call.
    calls: each,
    ids: each,
    call_cost: each * 0.5,
    holds: each,
    hold_ids: each,
    rejected: each,
    decided: each - 1,
    completed: each,
    minute_cost: each * 0.5,
  };
}
