import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../gateway/domain/clock.ts';
import { migrate } from './clickhouse.ts';
import { insertEvents, isRowFault, isSchemaFault } from './event-table.ts';
import type { Damage } from './journal-reader.ts';
import { createJournalSource } from './journal-source.ts';
import { openPoisonShelf } from './poison.ts';
import type { Plan, ShipState, ShipStates } from './ship-state.ts';
import { openShipStates } from './ship-state.ts';
import type { Batch, Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

export type ShipperOptions = {
  /** The folder of all journals, `<data>/journal`: each folder in it is one journal, also those that appear later. */
  readonly dir: string;
  readonly client: ClickHouseClient;
  /** Sources beside the journals, such as the hold store's outbox. */
  readonly sources?: readonly Source[];
  /** Milliseconds between looks for new events once everything is delivered. */
  readonly interval?: number;
  /** Most rows in one batch. */
  readonly rows?: number;
  readonly clock?: Clock;
  readonly onReport?: (report: ShipperReport) => void;
};

/** What operators should read about, once each. Source `*`: the folder of journals itself cannot be read. */
export type ShipperReport =
  | { readonly type: 'stalled'; readonly source: string; readonly error: unknown }
  | { readonly type: 'resumed'; readonly source: string }
  | { readonly type: 'poison'; readonly source: string; readonly error: string }
  | { readonly type: 'damage'; readonly source: string; readonly damage: Damage }
  | { readonly type: 'missing'; readonly source: string; readonly rows: number };

export type SourceStatus = {
  readonly name: string;
  /** How much is not delivered yet; null where it is not known. */
  readonly behind: { readonly bytes: number | null; readonly rows: number | null };
  /** Rows delivered since this process started. */
  readonly shipped: number;
  readonly lastShippedAt: number | null;
  /** Why the source stands still; null while it moves. */
  readonly lastError: string | null;
};

export type Shipper = {
  start(): void;
  /** Stops at once: a batch that is under way goes out again, under the same tokens, after the next start. */
  stop(): Promise<void>;
  /** Delivers everything that is there now. For a shipper that does not run. @throws what stands in the way. */
  drain(): Promise<void>;
  status(): Promise<{ readonly sources: readonly SourceStatus[]; readonly poison: number }>;
};

const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;
/** Names of sources and of the folders of journals; leaves out our own folders. They stand in tokens, so no quotes. */
const SOURCE_NAME = /^(?!poison$)[A-Za-z0-9][\w-]*$/;

type Lane = {
  readonly source: Source;
  readonly states: ShipStates;
  /** Null while it has to be read: at the start, after a failure, and while another gateway delivers the source. */
  state: ShipState | null;
  delay: number;
  retryAt: number;
  shipped: number;
  lastShippedAt: number | null;
  lastError: string | null;
};

/**
 * Delivers events from all sources to `holdpoint.events`, each exactly once.
 *
 * For every batch: plan durable → rows sent under tokens that name the plan → cursor durable → source told to forget.
 * After a crash between any two of them the same rows go out under the same tokens, and ClickHouse drops those that it
 * has. Its memory of tokens is finite (`non_replicated_deduplication_window`): at most 10,000 inserts of others may
 * come between a lost acknowledgement and the retry.
 */
export async function createShipper(options: ShipperOptions): Promise<Shipper> {
  const { dir, client, interval = 500, rows = BATCH_ROWS, clock = Date.now, onReport = () => {} } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const states = await openShipStates(join(dir, '.shipper'));
  const poison = await openPoisonShelf(join(dir, 'poison'));
  const lanes = new Map<string, Lane>();
  const journals = new Set<string>();
  for (const source of options.sources ?? []) addLane(source);
  let migrated = false;
  let running: Promise<void> | null = null;
  let stopping = new AbortController();

  function addLane(source: Source): void {
    if (!SOURCE_NAME.test(source.name)) throw new Error(`Not a name for a source: ${source.name}`);
    // Two sources of one name would share a cursor.
    if (lanes.has(source.name)) throw new Error(`Two sources are named ${source.name}`);
    lanes.set(source.name, {
      source,
      states: source.shared ?? states,
      state: null,
      delay: 0,
      retryAt: -Infinity,
      shipped: 0,
      lastShippedAt: null,
      lastError: null,
    });
  }

  async function discover(): Promise<void> {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      const { name } = entry;
      if (!entry.isDirectory() || !SOURCE_NAME.test(name) || journals.has(name)) continue;
      const onDamage = (damage: Damage) => onReport({ type: 'damage', source: name, damage });
      addLane(createJournalSource({ name, dir: join(dir, name), rows, onDamage }));
      journals.add(name);
    }
  }

  /** Delivers the next batch. @returns whether there was one. */
  async function ship(lane: Lane): Promise<boolean> {
    const { source, states } = lane;
    const { name, shared } = source;
    if (shared && !(await shared.isMine())) {
      lane.state = null;
      return false;
    }
    let state = (lane.state ??= await states.load(name));
    let batch: Batch | null;
    if (state.plan === null) {
      batch = await source.next(state.position);
      if (batch === null) return false;
      const parts: Plan['parts'] = [[0, batch.rows.length]];
      state = await save(lane, { ...state, plan: { from: state.position, to: batch.to, at: clock(), parts } });
    } else {
      batch = await source.next(state.plan.from, state.plan.to);
    }
    const rows = batch?.rows ?? [];
    if (!migrated) {
      await migrate(client);
      migrated = true;
    }
    for (let plan = state.plan; plan !== null && plan.parts.length > 0; plan = state.plan) {
      state = await save(lane, { ...state, plan: await deliverPart(lane, plan, rows) });
      lane.lastError = null;
    }
    if (state.plan !== null) state = await save(lane, { ...state, position: state.plan.to, plan: null });
    lane.shipped += rows.length;
    lane.lastShippedAt = clock();
    await source.forget(state.position);
    return true;
  }

  /** Sends the first part of the plan. @returns what remains to be sent: without it, or with its halves. */
  async function deliverPart({ source: { name }, states }: Lane, plan: Plan, rows: readonly Buffer[]): Promise<Plan> {
    const [[start, end], ...rest] = plan.parts as [[number, number], ...[number, number][]];
    const part = rows.slice(start, end);
    // Only a failure of power or disk takes rows away that were read before; ClickHouse knows whether they were sent.
    if (part.length < end - start) onReport({ type: 'missing', source: name, rows: end - start - part.length });
    if (part.length === 0) return { ...plan, parts: rest };
    const token = `${states.home}/${name}/${plan.from}-${plan.to}/${start}-${end}`;
    try {
      await insertEvents(client, { rows: part, at: plan.at, token, signal: stopping.signal });
      return { ...plan, parts: rest };
    } catch (error) {
      if (!isRowFault(error)) throw error;
      if (end - start > 1) {
        const middle = Math.floor((start + end) / 2);
        return { ...plan, parts: [[start, middle], [middle, end], ...rest] };
      }
      const reason = error instanceof Error ? error.message : String(error);
      await poison.put({ source: name, from: plan.from, row: start, error: reason, event: part[0]! });
      onReport({ type: 'poison', source: name, error: reason });
      return { ...plan, parts: rest };
    }
  }

  async function behind({ source, states, state }: Lane): Promise<SourceStatus['behind']> {
    try {
      return await source.behind((state ?? (await states.load(source.name))).position);
    } catch {
      // The same trouble stops the delivery and is reported there.
      return { bytes: null, rows: null };
    }
  }

  async function save(lane: Lane, state: ShipState): Promise<ShipState> {
    lane.state = null;
    lane.state = await lane.states.save(lane.source.name, state);
    return lane.state;
  }

  /** One batch from each source. @returns whether any had one. */
  async function round(): Promise<boolean> {
    await discover();
    let any = false;
    for (const lane of lanes.values()) {
      if (stopping.signal.aborted || clock() < lane.retryAt) continue;
      try {
        any = (await ship(lane)) || any;
        if (lane.delay > 0) onReport({ type: 'resumed', source: lane.source.name });
        lane.delay = 0;
        lane.lastError = null;
      } catch (error) {
        if (!stopping.signal.aborted) stall(lane, error);
      }
    }
    return any;
  }

  function stall(lane: Lane, error: unknown): void {
    if (isSchemaFault(error)) migrated = false;
    if (lane.delay === 0) onReport({ type: 'stalled', source: lane.source.name, error });
    lane.lastError = error instanceof Error ? error.message : String(error);
    lane.delay = Math.min(LONGEST_DELAY, Math.max(FIRST_DELAY, lane.delay * 2));
    lane.retryAt = clock() + lane.delay;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const any = await round().catch((error: unknown) => {
        onReport({ type: 'stalled', source: '*', error });
        return false;
      });
      if (!any) await sleep(interval, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
      running = null;
      // What is drained afterwards must not find itself stopped already.
      stopping = new AbortController();
    },
    async drain() {
      await discover();
      for (const lane of lanes.values()) while (await ship(lane));
    },
    async status() {
      await discover();
      const sources = await Promise.all(
        [...lanes.values()].map(async (lane) => ({
          name: lane.source.name,
          behind: await behind(lane),
          shipped: lane.shipped,
          lastShippedAt: lane.lastShippedAt,
          lastError: lane.lastError,
        })),
      );
      return { sources, poison: await poison.count() };
    },
  };
}
