import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../gateway/domain/clock.ts';
import { insertCheckpoints, insertEvents, isRowFault, isSchemaFault, stamp, storedThrough } from './event-table.ts';
import type { NumberedLine, Stamped } from './event-table.ts';
import type { PoisonShelf } from './dead-letters.ts';
import type { Plan, Settled, ShipState, ShipStates } from './ship-state.ts';
import { BATCH_BYTES, type Batch, type Position, type Source } from './source.ts';

/** What operators should read about one source, once each. */
export type LaneReport =
  /** A row was refused and set aside. */
  | { readonly type: 'poison'; readonly source: string; readonly chain: string; readonly seq: number; error: string }
  /** Events with these numbers cannot be delivered: they are not where they were written. */
  | { readonly type: 'missing'; readonly source: string; readonly chain: string; readonly from: number; to: number }
  /** A number was given to a second event: the end of the chain had been lost with a disk. */
  | { readonly type: 'renumbered'; readonly source: string; readonly chain: string; readonly from: number; to: number }
  /** ClickHouse has lost events that it had: those from this number on go out again, as far as they are still here. */
  | { readonly type: 'younger'; readonly source: string; readonly chain: string; readonly from: number; to: number }
  /** ClickHouse has nothing of a chain of which it had so many: it is another one, and gets what comes from now on. */
  | { readonly type: 'another'; readonly source: string; readonly chain: string; readonly through: number };

export type Shipment = {
  readonly rows: number;
  /** Milliseconds for which ClickHouse was waited for. */
  readonly took: number;
  /** Whether there is enough behind it for another good batch. */
  readonly more: boolean;
};

/** The tables at the other end. */
export type Tables = {
  readonly client: ClickHouseClient;
  /** Resolves when they are there, and as this program needs them. */
  ready(): Promise<void>;
  /** They are to be looked at again before the next batch. @returns false when that has just not helped */
  doubt(): boolean;
  /** Rows were stored. */
  trusted(): void;
};

/** The delivery of one source: one batch after the other, each exactly once. */
export type Lane = {
  readonly source: Source;
  /**
   * Delivers the next batch.
   * @returns null when there is nothing (yet), or another gateway delivers the source
   * @throws what stands in the way. The batch goes out the next time, under the same tokens
   */
  ship(): Promise<Shipment | null>;
  status(): Promise<LaneStatus>;
};

export type LaneStatus = {
  /** How much is not delivered yet; null where it is not known. */
  readonly behind: { readonly bytes: number | null; readonly rows: number | null };
  /** Milliseconds since the oldest event that is not delivered happened; 0 when all are, null when it is not known. */
  readonly lag: number | null;
  /** Rows delivered since this process started. */
  readonly shipped: number;
  readonly lastShippedAt: number | null;
};

/** So many bytes are worth a batch of their own at once. */
const GOOD_BATCH_BYTES = BATCH_BYTES / 2;

/**
 * For every batch: plan durable → rows sent, under tokens that follow from the plan → checkpoints sent → cursor durable
 * → source told to forget. After a crash between any two of them the same rows go out under the same tokens, and
 * ClickHouse drops those that it has.
 */
export function createLane(options: {
  readonly source: Source;
  readonly states: ShipStates;
  /** Whether the source can be read from its beginning again. */
  readonly rewinds: boolean;
  readonly tables: Tables;
  readonly poison: PoisonShelf;
  /** Rows of a full batch. */
  readonly rows: number;
  readonly clock: Clock;
  readonly signal: () => AbortSignal;
  readonly report: (report: LaneReport) => void;
}): Lane {
  const { source, states, rewinds, tables, poison, clock, report } = options;
  const { name } = source;
  const { client } = tables;
  /** Null while it has to be read: at the start, after a failure, and while another gateway delivers the source. */
  let state: ShipState | null = null;
  /** Whether ClickHouse was found to have what the books say since it last failed. */
  let compared = false;
  /** When the oldest event happened that is not delivered; null when there was none, or nobody looked yet. */
  let oldest: number | null = null;
  let looked = false;
  /** The next batch, made ready while the one before it is being stored. */
  let ahead: { readonly from: Position; readonly batch: Batch; readonly stamped: Stamped } | null = null;
  /** Milliseconds that ClickHouse has taken for the batch that is being delivered. */
  let waited = 0;
  let shipped = 0;
  let lastShippedAt: number | null = null;

  async function ship(): Promise<Shipment | null> {
    try {
      if (source.shared && !(await source.shared.isMine())) {
        state = null;
        looked = false;
        return null;
      }
      state ??= await states.load(name);
      return await shipNext(state);
    } catch (error) {
      state = null;
      compared = false;
      throw error;
    }
  }

  async function shipNext(known: ShipState): Promise<Shipment | null> {
    const batches = known.plan === null ? await readNext(known) : await readAgain(known.plan);
    looked = true;
    const first = batches.find(({ rows }) => rows.length > 0)?.rows[0];
    oldest = first === undefined ? null : happenedAt(first);
    if (known.plan === null && batches.length === 0) return null;
    await tables.ready();
    const corrected = compared ? known : await compare(known);
    compared = true;
    if (corrected.position !== known.position) return await shipNext(corrected);
    return await deliver(corrected.plan === null ? await plan(corrected, batches[0]!) : corrected, batches);
  }

  async function readNext({ position }: ShipState): Promise<readonly Batch[]> {
    if (ahead?.from === position) return [ahead.batch];
    const batch = await source.next(position);
    return batch === null ? [] : [batch];
  }

  const isGood = (rows: number) => rows * 2 >= options.rows;

  /** Only a good one: to a small one more may be added until it is its turn. */
  async function readAhead(from: Position): Promise<void> {
    ahead = null;
    const batch = await source.next(from);
    if (batch === null || !isGood(batch.rows.length)) return;
    const { first, rows, chain } = batch;
    ahead = { from, batch, stamped: stamp(pick([batch], first, first + rows.length), chain, clock()) };
  }

  /** What is left of a planned batch: all of it, unless the source was damaged since. */
  async function readAgain({ from, to }: Plan): Promise<readonly Batch[]> {
    const batches: Batch[] = [];
    for (let position = from; position !== to;) {
      const batch = await source.next(position, to);
      if (batch === null) break;
      batches.push(batch);
      position = batch.to;
    }
    return batches;
  }

  /**
   * Asks ClickHouse for the last row that it has acknowledged. Where it has fewer, a copy from before was put in its
   * place: then the journal is read from its beginning again, and what ClickHouse has is passed over. Where it has
   * none, it is another ClickHouse: what the old one acknowledged is there, and not sent a second time.
   */
  async function compare(known: ShipState): Promise<ShipState> {
    const { settled } = known;
    if (settled === null || settled.stored === 0) return known;
    const there = await storedThrough(client, settled);
    if (there === null || there === settled.stored) return known;
    const { chain, seq } = settled;
    const again = there > 0 && rewinds;
    const corrected = again
      ? { ...known, position: '', settled: { chain, seq: there, stored: there, at: 0, again: seq }, plan: null }
      : { ...known, settled: { ...settled, stored: there } };
    const saved = await save(corrected);
    if (there === 0) report({ type: 'another', source: name, chain, through: seq });
    else report({ type: 'younger', source: name, chain, from: there + 1, to: seq });
    return saved;
  }

  async function plan(known: ShipState, { chain, first, rows, to, checkpoints }: Batch): Promise<ShipState> {
    const settled = known.settled?.chain === chain ? known.settled : null;
    const end = first + rows.length;
    const expected = settled === null ? first : settled.seq + 1;
    const start = settled?.again === undefined ? first : Math.min(end, Math.max(first, expected));
    if (rows.length > 0 && start > expected) {
      report({ type: 'missing', source: name, chain, from: expected, to: start - 1 });
    }
    if (start < expected && start < end) {
      report({ type: 'renumbered', source: name, chain, from: start, to: Math.min(end, expected) - 1 });
    }
    const parts: Plan['parts'] = start < end ? [[start, end]] : [];
    const at = ahead?.from === known.position ? ahead.stamped.at : clock();
    return await save({
      ...known,
      plan: { from: known.position, to, at, chain, parts, checkpoints: [...checkpoints] },
    });
  }

  async function deliver(planned: ShipState, batches: readonly Batch[]): Promise<Shipment> {
    const { checkpoints, chain, at, to } = planned.plan!;
    waited = 0;
    let current = planned;
    for (let parts = planned.plan!.parts; parts.length > 0; parts = current.plan!.parts) {
      current = await deliverPart(current, batches);
      // The last one is noted together with the cursor.
      if (current.plan!.parts.length > 0) current = await save(current);
    }
    if (checkpoints.length > 0) {
      const [from, last] = [checkpoints[0]!.first, checkpoints.at(-1)!.seq];
      await insertCheckpoints(client, { chain, from, to: last, at, checkpoints, signal: options.signal() });
    }
    const { settled } = current;
    const isBack = settled?.again !== undefined && settled.seq >= settled.again;
    current = await save({
      ...current,
      position: to,
      settled: settled && isBack ? withoutAgain(settled) : settled,
      plan: null,
    });
    const rows = batches.reduce((sum, batch) => sum + batch.rows.length, 0);
    shipped += rows;
    lastShippedAt = clock();
    const last = batches.at(-1)?.rows.at(-1);
    if (last !== undefined) oldest = happenedAt(last);
    await source.forget(to);
    return { rows, took: waited, more: isGood(rows) || ((await source.behind(to)).bytes ?? 0) >= GOOD_BATCH_BYTES };
  }

  /** Sends the first part of the plan. @returns how it is then: without that part, or with its halves. */
  async function deliverPart(current: ShipState, batches: readonly Batch[]): Promise<ShipState> {
    const { chain, at, parts } = current.plan!;
    const [[from, to], ...rest] = parts as [[number, number], ...[number, number][]];
    const rows = pick(batches, from, to);
    const next = (parts: Plan['parts'], settled: ShipState['settled']): ShipState => ({
      ...current,
      settled,
      plan: { ...current.plan!, parts },
    });
    const before = current.settled?.chain === chain ? current.settled : { chain, seq: 0, stored: 0, at: 0 };
    // Only a failure of power or disk takes rows away that were read before; ClickHouse knows whether they were sent.
    const missing = gap(rows, from, to);
    if (missing !== null) report({ type: 'missing', source: name, chain, ...missing });
    if (rows.length === 0) return next(rest, { ...before, seq: to - 1 });
    try {
      const isReady =
        ahead?.from === current.plan!.from && ahead.stamped.at === at && ahead.stamped.rows.length === rows.length;
      const { body } = isReady ? ahead!.stamped : stamp(rows, chain, at);
      const started = performance.now();
      const sent = insertEvents(client, { chain, from, to, at, body, signal: options.signal() });
      const stored = sent.finally(() => (waited += performance.now() - started));
      // Should reading fail, it fails again when it is the next one's turn.
      const [outcome] = await Promise.allSettled([stored, readAhead(current.plan!.to)]);
      if (outcome.status === 'rejected') throw outcome.reason;
      tables.trusted();
      return next(rest, { ...before, seq: to - 1, stored: rows.at(-1)!.seq, at });
    } catch (error) {
      if (isSchemaFault(error) ? tables.doubt() || !isRowFault(error) : !isRowFault(error)) throw error;
      if (rows.length > 1) {
        const middle = rows[Math.floor(rows.length / 2)]!.seq;
        return next([[from, middle], [middle, to], ...rest], current.settled);
      }
      const [{ seq, line }] = rows as [NumberedLine];
      const reason = error instanceof Error ? error.message : String(error);
      await poison.put({ source: name, chain, seq, error: reason, event: line.toString() });
      report({ type: 'poison', source: name, chain, seq, error: reason });
      return next(rest, { ...before, seq: to - 1 });
    }
  }

  async function waiting(): Promise<LaneStatus['behind']> {
    try {
      return await source.behind((state ?? (await states.load(name))).position);
    } catch {
      // The same trouble stops the delivery and is reported there.
      return { bytes: null, rows: null };
    }
  }

  async function save(next: ShipState): Promise<ShipState> {
    state = null;
    state = await states.save(name, next);
    return state;
  }

  return {
    source,
    ship,
    async status() {
      const behind = await waiting();
      const isDone = (behind.bytes ?? behind.rows) === 0;
      const lag = isDone ? 0 : oldest === null ? (looked ? 0 : null) : Math.max(0, clock() - oldest);
      return { behind, lag, shipped, lastShippedAt };
    },
  };
}

function pick(batches: readonly Batch[], from: number, to: number): NumberedLine[] {
  const rows: NumberedLine[] = [];
  for (const batch of batches) {
    const start = Math.max(from, batch.first);
    const end = Math.min(to, batch.first + batch.rows.length);
    for (let seq = start; seq < end; seq++) rows.push({ seq, line: batch.rows[seq - batch.first]! });
  }
  return rows;
}

/** The first number in [from, to) that has no row, and the last; null when all have. */
function gap(rows: readonly NumberedLine[], from: number, to: number): { from: number; to: number } | null {
  if (rows.length === to - from) return null;
  const has = new Set(rows.map(({ seq }) => seq));
  let [first, last] = [from, to - 1];
  while (has.has(first)) first++;
  while (has.has(last)) last--;
  return { from: first, to: last };
}

function withoutAgain({ chain, seq, stored, at }: Settled): Settled {
  return { chain, seq, stored, at };
}

function happenedAt(line: Buffer): number | null {
  const { at } = JSON.parse(line.toString()) as { at?: unknown };
  return typeof at === 'number' ? at : null;
}
