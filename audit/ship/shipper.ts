import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../gateway/domain/clock.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { migrate } from '../clickhouse/migrate.ts';
import type { Damage } from '../journal/journal-reader.ts';
import { createJournalSource } from '../journal/journal-source.ts';
import { openPoisonShelf } from './dead-letters.ts';
import { createLane, type Lane, type LaneReport, type LaneStatus, type Tables } from './source-shipper.ts';
import { createPace } from './ship-pace.ts';
import { openShipStates } from './ship-state.ts';
import type { Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

export type ShipperOptions = {
  /** The folder of all journals, `<data>/journal`: each folder in it is one journal, also those that appear later. */
  readonly dir: string;
  readonly client: ClickHouseClient;
  /** Makes the tables what this program needs; called before the first batch, and when they are not that any more. */
  readonly prepare?: () => Promise<unknown>;
  /** Sources beside the journals, such as the hold store's outbox, given the name of this data folder for ever. */
  readonly sources?: (home: string) => readonly Source[];
  /** Least milliseconds between two batches of one source that are not worth one each. */
  readonly interval?: number;
  /** Most rows in one batch. */
  readonly rows?: number;
  readonly clock?: Clock;
  readonly onReport?: (report: ShipperReport) => void;
  /** Writes what the ledger itself must tell of: a part of it that cannot be read any more. */
  readonly record?: (type: 'journal.damaged', fields: Pick<Event, 'reason' | 'failure'>) => void;
};

/** What operators should read about, once each. Source `*`: the folder of journals itself cannot be read. */
export type ShipperReport =
  | LaneReport
  /** Others that stand still for the same reason are not reported beside it. */
  | { readonly type: 'stalled'; readonly source: string; readonly error: unknown }
  | { readonly type: 'resumed'; readonly source: string }
  | { readonly type: 'damage'; readonly source: string; readonly damage: Damage };

export type SourceStatus = LaneStatus & {
  readonly name: string;
  readonly stalled: boolean;
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
/** Names of sources and of the folders of journals; leaves out our own folders. They stand in names of files. */
const SOURCE_NAME = /^(?!poison$)[A-Za-z0-9][\w-]*$/;

type Scheduled = {
  readonly lane: Lane;
  /** Not before then, by the clock of this process, which nobody sets. */
  next: number;
  /** How long it waits after a failure; 0 while there is none. */
  delay: number;
  lastError: string | null;
  /** Its standing still was reported. */
  reported: boolean;
  /** A damage was recorded, of which missing numbers will be the trace. */
  damaged: boolean;
};

/**
 * Delivers events from all sources to `holdpoint.events`, each exactly once (see `createLane`), one batch at a time.
 *
 * ClickHouse's memory of tokens is finite (`non_replicated_deduplication_window`): at most 10,000 inserts of others may
 * come between a lost acknowledgement and the retry.
 */
export async function createShipper(options: ShipperOptions): Promise<Shipper> {
  const { dir, client, interval = 500, rows = BATCH_ROWS, clock = Date.now, onReport = () => {} } = options;
  const { record = () => {} } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const states = await openShipStates(join(dir, '.shipper'));
  const poison = await openPoisonShelf(join(dir, 'poison'));
  const tables = watchTables(client, options.prepare ?? (() => migrate(client)));
  const pace = createPace();
  const all = new Map<string, Scheduled>();
  const journals = new Set<string>();
  for (const source of options.sources?.(states.home) ?? []) add(source, false);
  let running: Promise<void> | null = null;
  let stopping = new AbortController();

  function add(source: Source, rewinds: boolean): void {
    const { name } = source;
    if (!SOURCE_NAME.test(name)) throw new Error(`Not a name for a source: ${name}`);
    // Two sources of one name would share a cursor.
    if (all.has(name)) throw new Error(`Two sources are named ${name}`);
    const lane = createLane({
      source,
      states: source.shared ?? states,
      rewinds,
      tables,
      poison,
      rows,
      clock,
      signal: () => stopping.signal,
      report: tell,
    });
    all.set(name, { lane, next: -Infinity, delay: 0, lastError: null, reported: false, damaged: false });
  }

  async function discover(): Promise<void> {
    for (const entry of await readdir(dir, { withFileTypes: true })) {
      const { name } = entry;
      if (!entry.isDirectory() || !SOURCE_NAME.test(name) || journals.has(name)) continue;
      const onDamage = (damage: Damage) => tell({ type: 'damage', source: name, damage });
      add(createJournalSource({ name, dir: join(dir, name), rows, onDamage }), true);
      journals.add(name);
    }
  }

  function tell(report: ShipperReport): void {
    const one = all.get(report.source);
    // It has just been told which events the damage took.
    const isKnown = report.type === 'missing' && one?.damaged === true;
    if (one !== undefined && report.type === 'missing') one.damaged = false;
    if (isKnown) return;
    onReport(report);
    if (report.type === 'missing') damaged(`events ${report.from} to ${report.to} of ${report.source}`);
    if (report.type !== 'damage' || report.damage.kind !== 'corrupt') return;
    const { segment, offset, bytes, missing } = report.damage;
    damaged(`${bytes} bytes of segment ${segment} of the journal ${report.source}, from ${offset} on`);
    if (one !== undefined) one.damaged = missing !== null;
  }

  function damaged(what: string): void {
    record('journal.damaged', { reason: `Not readable any more: ${what}`, failure: 'gateway-failed' });
  }

  /** One batch from each source that is due. @returns when the next one is */
  async function round(): Promise<number> {
    await discover();
    for (const one of all.values()) {
      const started = performance.now();
      if (stopping.signal.aborted || started < one.next) continue;
      try {
        const shipment = await one.lane.ship();
        recovered(one);
        one.next = shipment?.more ? -Infinity : started + interval;
        if (shipment !== null) await pause(pace(shipment.rows, shipment.took));
      } catch (error) {
        if (!stopping.signal.aborted) stall(one, error);
      }
    }
    return Math.min(performance.now() + interval, ...[...all.values()].map(({ next }) => next));
  }

  function stall(one: Scheduled, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const isKnown = [...all.values()].some(({ reported, lastError }) => reported && lastError === reason);
    if (one.delay === 0 && !isKnown) {
      one.reported = true;
      onReport({ type: 'stalled', source: one.lane.source.name, error });
    }
    one.lastError = reason;
    one.delay = Math.min(LONGEST_DELAY, Math.max(FIRST_DELAY, one.delay * 2));
    one.next = performance.now() + one.delay;
  }

  function recovered(one: Scheduled): void {
    // What stood in the way of several is out of the way of all.
    for (const other of all.values()) if (one.delay > 0 && other.lastError === one.lastError) other.next = -Infinity;
    if (one.reported) onReport({ type: 'resumed', source: one.lane.source.name });
    one.reported = false;
    one.delay = 0;
    one.lastError = null;
  }

  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});

  async function run(): Promise<void> {
    let isReadable = true;
    while (!stopping.signal.aborted) {
      try {
        const due = await round();
        isReadable = true;
        await pause(Math.max(0, due - performance.now()));
      } catch (error) {
        if (isReadable) onReport({ type: 'stalled', source: '*', error });
        isReadable = false;
        await pause(interval);
      }
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
      for (const { lane } of all.values()) while ((await lane.ship()) !== null);
    },
    async status() {
      await discover();
      const sources = await Promise.all(
        [...all.values()].map(async ({ lane, delay, lastError }) => ({
          name: lane.source.name,
          ...(await lane.status()),
          stalled: delay > 0,
          lastError,
        })),
      );
      return { sources, poison: await poison.count() };
    },
  };
}

function watchTables(client: ClickHouseClient, prepare: () => Promise<unknown>): Tables {
  let isReady = false;
  let isDoubted = false;
  return {
    client,
    async ready() {
      if (isReady) return;
      await prepare();
      isReady = true;
    },
    doubt() {
      const isNew = !isDoubted;
      isReady = false;
      isDoubted = true;
      return isNew;
    },
    trusted() {
      isDoubted = false;
    },
  };
}
