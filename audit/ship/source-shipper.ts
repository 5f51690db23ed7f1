import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../gateway/domain/clock.ts';
import { missingIn, pickRows, timeOf } from './batch-rows.ts';
import type { DeadLetters } from './dead-letters.ts';
import { insertCheckpoints, insertEvents, isRowFault, isSchemaFault, stamp, storedThrough } from './event-table.ts';
import type { NumberedLine, Stamped } from './event-table.ts';
import type { Plan, Settled, ShipState, ShipStates } from './ship-state.ts';
import { BATCH_BYTES, type Batch, type Position, type Source } from './source.ts';

/** What operators should read about one source, once each. */
export type SourceReport =
  /** ClickHouse refused a row, which is now in the dead letters. */
  | {
      readonly type: 'dead-letter';
      readonly source: string;
      readonly chain: string;
      readonly seq: number;
      error: string;
    }
  /** Events with these numbers cannot be delivered: they are not where they were written. */
  | { readonly type: 'missing'; readonly source: string; readonly chain: string; readonly from: number; to: number }
  /** Numbers were given to second events: the end of the chain had been lost with a disk. */
  | { readonly type: 'renumbered'; readonly source: string; readonly chain: string; readonly from: number; to: number }
  /** ClickHouse was restored from a backup. Events from this number on are sent again, as far as they are still here. */
  | { readonly type: 'rolled-back'; readonly source: string; readonly chain: string; readonly from: number; to: number }
  /** ClickHouse has no event of a chain that was delivered up to here. It is another one, and gets the next events. */
  | { readonly type: 'replaced'; readonly source: string; readonly chain: string; readonly through: number };

export type Shipment = {
  readonly rows: number;
  /** Milliseconds that ClickHouse took. */
  readonly took: number;
  /** Whether another good batch is waiting. */
  readonly more: boolean;
};

/** The tables at the other end. */
export type Tables = {
  readonly client: ClickHouseClient;
  /** Resolves when the tables exist as this program needs them. */
  ready(): Promise<void>;
  /** Has the tables checked before the next batch. @returns false when a check has just not helped */
  doubt(): boolean;
  /** Rows were stored. */
  trusted(): void;
};

export type DeliveryStatus = {
  /** What is not delivered yet; null where it is not known. */
  readonly behind: { readonly bytes: number | null; readonly rows: number | null };
  /** Milliseconds since the oldest event that is not delivered; 0 when all are, null when it is not known. */
  readonly lag: number | null;
  /** Rows delivered since this process started. */
  readonly shipped: number;
  readonly lastShippedAt: number | null;
};

export type SourceShipperOptions = {
  readonly source: Source;
  readonly states: ShipStates;
  /** Whether the source can be read again from its beginning. */
  readonly rewinds: boolean;
  readonly tables: Tables;
  readonly deadLetters: DeadLetters;
  /** Rows of a full batch. */
  readonly rows: number;
  readonly clock: Clock;
  readonly signal: () => AbortSignal;
  readonly report: (report: SourceReport) => void;
};

/** Bytes that are worth a batch at once. */
const GOOD_BATCH_BYTES = BATCH_BYTES / 2;

/**
 * Delivers one source, batch by batch, each exactly once.
 *
 * For every batch: plan durable → rows sent, under tokens that follow from the plan → checkpoints sent → cursor durable
 * → source told to forget. After a crash between any two of them the same rows go out under the same tokens, and
 * ClickHouse drops those that it has.
 */
export class SourceShipper {
  readonly #options: SourceShipperOptions;
  /** Null while it has to be read: at the start, after a failure, and while another gateway delivers the source. */
  #state: ShipState | null = null;
  /** Whether ClickHouse was compared with the state since the last failure. */
  #compared = false;
  /** The time of the oldest event that is not delivered; null when there was none, or none was looked for yet. */
  #oldest: number | null = null;
  #looked = false;
  /** The next batch, prepared while the one before is being stored. */
  #ahead: { readonly from: Position; readonly batch: Batch; readonly stamped: Stamped } | null = null;
  /** Milliseconds that ClickHouse has taken for the current batch. */
  #waited = 0;
  #shipped = 0;
  #lastShippedAt: number | null = null;

  constructor(options: SourceShipperOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.source.name;
  }

  /**
   * Delivers the next batch.
   * @returns null when there is nothing (yet), or another gateway delivers the source
   * @throws the cause of a failure. The next call sends the batch again, under the same tokens
   */
  async ship(): Promise<Shipment | null> {
    const { source, states } = this.#options;
    try {
      if (source.shared && !(await source.shared.isMine())) {
        this.#state = null;
        this.#looked = false;
        return null;
      }
      this.#state ??= await states.load(this.name);
      return await this.#shipNext(this.#state);
    } catch (error) {
      this.#state = null;
      this.#compared = false;
      throw error;
    }
  }

  async status(): Promise<DeliveryStatus> {
    const behind = await this.#waiting();
    const isDone = (behind.bytes ?? behind.rows) === 0;
    const age = this.#oldest === null ? null : Math.max(0, this.#options.clock() - this.#oldest);
    const lag = isDone ? 0 : (age ?? (this.#looked ? 0 : null));
    return { behind, lag, shipped: this.#shipped, lastShippedAt: this.#lastShippedAt };
  }

  async #shipNext(known: ShipState): Promise<Shipment | null> {
    const batches = known.plan === null ? await this.#readNext(known) : await this.#readAgain(known.plan);
    this.#looked = true;
    const first = batches.find(({ rows }) => rows.length > 0)?.rows[0];
    this.#oldest = first === undefined ? null : timeOf(first);
    if (known.plan === null && batches.length === 0) return null;
    await this.#options.tables.ready();
    const corrected = this.#compared ? known : await this.#compare(known);
    this.#compared = true;
    if (corrected.position !== known.position) return await this.#shipNext(corrected);
    return await this.#deliver(corrected.plan === null ? await this.#plan(corrected, batches[0]!) : corrected, batches);
  }

  async #readNext({ position }: ShipState): Promise<readonly Batch[]> {
    if (this.#ahead?.from === position) return [this.#ahead.batch];
    const batch = await this.#options.source.next(position);
    return batch === null ? [] : [batch];
  }

  /** Reads a planned batch again: all of it, unless the source was damaged since. */
  async #readAgain({ from, to }: Plan): Promise<readonly Batch[]> {
    const batches: Batch[] = [];
    for (let position = from; position !== to;) {
      const batch = await this.#options.source.next(position, to);
      if (batch === null) break;
      batches.push(batch);
      position = batch.to;
    }
    return batches;
  }

  /** Prepares the next batch if it is a good one; a small one may still grow until its turn. */
  async #readAhead(from: Position): Promise<void> {
    const { source, clock } = this.#options;
    this.#ahead = null;
    const batch = await source.next(from);
    if (batch === null || !this.#isGood(batch.rows.length)) return;
    const { first, rows, chain } = batch;
    this.#ahead = { from, batch, stamped: stamp(pickRows([batch], first, first + rows.length), chain, clock()) };
  }

  #isGood(rows: number): boolean {
    return rows * 2 >= this.#options.rows;
  }

  /**
   * Asks ClickHouse for the last row that it acknowledged. If it has fewer, it was restored from a backup: the journal is
   * then read from its beginning again, and rows that ClickHouse has are skipped. If it has none, it was replaced: what
   * the old one acknowledged is there, and is not sent again.
   */
  async #compare(known: ShipState): Promise<ShipState> {
    const { tables, rewinds, report } = this.#options;
    const { settled } = known;
    if (settled === null || settled.stored === 0) return known;
    const there = await storedThrough(tables.client, settled);
    if (there === null || there === settled.stored) return known;
    const { chain, seq } = settled;
    const again = there > 0 && rewinds;
    const corrected = again
      ? { ...known, position: '', settled: { chain, seq: there, stored: there, at: 0, again: seq }, plan: null }
      : { ...known, settled: { ...settled, stored: there } };
    const saved = await this.#save(corrected);
    if (there === 0) report({ type: 'replaced', source: this.name, chain, through: seq });
    else report({ type: 'rolled-back', source: this.name, chain, from: there + 1, to: seq });
    return saved;
  }

  async #plan(known: ShipState, { chain, first, rows, to, checkpoints }: Batch): Promise<ShipState> {
    const { clock, report } = this.#options;
    const settled = known.settled?.chain === chain ? known.settled : null;
    const end = first + rows.length;
    const expected = settled === null ? first : settled.seq + 1;
    const start = settled?.again === undefined ? first : Math.min(end, Math.max(first, expected));
    if (rows.length > 0 && start > expected) {
      report({ type: 'missing', source: this.name, chain, from: expected, to: start - 1 });
    }
    if (start < expected && start < end) {
      report({ type: 'renumbered', source: this.name, chain, from: start, to: Math.min(end, expected) - 1 });
    }
    const parts: Plan['parts'] = start < end ? [[start, end]] : [];
    const at = this.#ahead?.from === known.position ? this.#ahead.stamped.at : clock();
    return await this.#save({
      ...known,
      plan: { from: known.position, to, at, chain, parts, checkpoints: [...checkpoints] },
    });
  }

  async #deliver(planned: ShipState, batches: readonly Batch[]): Promise<Shipment> {
    const { source, tables, clock, signal } = this.#options;
    const { checkpoints, chain, at, to } = planned.plan!;
    this.#waited = 0;
    let current = planned;
    for (let parts = planned.plan!.parts; parts.length > 0; parts = current.plan!.parts) {
      current = await this.#deliverPart(current, batches);
      // The last part is saved together with the cursor.
      if (current.plan!.parts.length > 0) current = await this.#save(current);
    }
    if (checkpoints.length > 0) {
      const [from, last] = [checkpoints[0]!.first, checkpoints.at(-1)!.seq];
      await insertCheckpoints(tables.client, { chain, from, to: last, at, checkpoints, signal: signal() });
    }
    const { settled } = current;
    const isBack = settled?.again !== undefined && settled.seq >= settled.again;
    await this.#save({
      ...current,
      position: to,
      settled: settled && isBack ? withoutAgain(settled) : settled,
      plan: null,
    });
    const rows = batches.reduce((sum, batch) => sum + batch.rows.length, 0);
    this.#shipped += rows;
    this.#lastShippedAt = clock();
    const last = batches.at(-1)?.rows.at(-1);
    if (last !== undefined) this.#oldest = timeOf(last);
    await source.forget(to);
    const more = this.#isGood(rows) || ((await source.behind(to)).bytes ?? 0) >= GOOD_BATCH_BYTES;
    return { rows, took: this.#waited, more };
  }

  /** Sends the first part of the plan. @returns the state after it: without that part, or with its halves. */
  async #deliverPart(current: ShipState, batches: readonly Batch[]): Promise<ShipState> {
    const { tables, report } = this.#options;
    const { chain, parts, at } = current.plan!;
    const [[from, to], ...rest] = parts as [[number, number], ...[number, number][]];
    const rows = pickRows(batches, from, to);
    const next = (remaining: Plan['parts'], settled: ShipState['settled']): ShipState => ({
      ...current,
      settled,
      plan: { ...current.plan!, parts: remaining },
    });
    const before = current.settled?.chain === chain ? current.settled : { chain, seq: 0, stored: 0, at: 0 };
    // Only a power or disk failure removes rows that were read before. ClickHouse knows whether they were sent.
    const missing = missingIn(rows, from, to);
    if (missing !== null) report({ type: 'missing', source: this.name, chain, ...missing });
    if (rows.length === 0) return next(rest, { ...before, seq: to - 1 });
    try {
      await this.#send(current.plan!, rows, { from, to });
      tables.trusted();
      return next(rest, { ...before, seq: to - 1, stored: rows.at(-1)!.seq, at });
    } catch (error) {
      if (isSchemaFault(error) ? tables.doubt() || !isRowFault(error) : !isRowFault(error)) throw error;
      if (rows.length > 1) {
        const middle = rows[Math.floor(rows.length / 2)]!.seq;
        return next([[from, middle], [middle, to], ...rest], current.settled);
      }
      await this.#setAside(chain, rows[0]!, error);
      return next(rest, { ...before, seq: to - 1 });
    }
  }

  /** Stores rows of the plan, and meanwhile reads the batch after it. */
  async #send(
    plan: Plan,
    rows: readonly NumberedLine[],
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<void> {
    const { tables, signal } = this.#options;
    const { chain, at } = plan;
    const ahead = this.#ahead;
    const isReady = ahead?.from === plan.from && ahead.stamped.at === at && ahead.stamped.rows.length === rows.length;
    const { body } = isReady ? ahead.stamped : stamp(rows, chain, at);
    const started = performance.now();
    const sent = insertEvents(tables.client, { chain, from, to, at, body, signal: signal() });
    const stored = sent.finally(() => (this.#waited += performance.now() - started));
    // If reading fails, it fails again at that batch's turn.
    const [outcome] = await Promise.allSettled([stored, this.#readAhead(plan.to)]);
    if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #setAside(chain: string, { seq, line }: NumberedLine, cause: unknown): Promise<void> {
    const { deadLetters, report } = this.#options;
    const error = cause instanceof Error ? cause.message : String(cause);
    await deadLetters.put({ source: this.name, chain, seq, error, event: line.toString() });
    report({ type: 'dead-letter', source: this.name, chain, seq, error });
  }

  async #waiting(): Promise<DeliveryStatus['behind']> {
    const { source, states } = this.#options;
    try {
      return await source.behind((this.#state ?? (await states.load(this.name))).position);
    } catch {
      // The same failure stops the delivery, which reports it.
      return { bytes: null, rows: null };
    }
  }

  async #save(next: ShipState): Promise<ShipState> {
    this.#state = null;
    this.#state = await this.#options.states.save(this.name, next);
    return this.#state;
  }
}

function withoutAgain({ chain, seq, stored, at }: Settled): Settled {
  return { chain, seq, stored, at };
}
