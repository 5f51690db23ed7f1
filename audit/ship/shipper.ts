import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../gateway/domain/clock.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { migrate } from '../clickhouse/migrate.ts';
import type { Damage } from '../journal/journal-reader.ts';
import { createJournalSource } from '../journal/journal-source.ts';
import { openDeadLetters } from './dead-letters.ts';
import { createPace } from './ship-pace.ts';
import { openShipStates } from './ship-state.ts';
import { SourceShipper, type DeliveryStatus, type SourceReport, type Tables } from './source-shipper.ts';
import type { Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

export type ShipperOptions = {
  /** The folder of all journals, `<data>/journal`: each folder in it is a journal, also one that appears later. */
  readonly dir: string;
  readonly client: ClickHouseClient;
  /** Migrates the tables; called before the first batch, and when they have changed since. */
  readonly prepare?: () => Promise<unknown>;
  /** Further sources, such as the hold store's outbox. They get this data folder's permanent name. */
  readonly sources?: (home: string) => readonly Source[];
  /** Milliseconds between small batches of one source. */
  readonly interval?: number;
  /** Rows of a full batch. */
  readonly rows?: number;
  readonly clock?: Clock;
  readonly onReport?: (report: ShipperReport) => void;
  /** Records that a part of the journals can no longer be read. */
  readonly record?: (type: 'journal.damaged', fields: Pick<Event, 'reason' | 'failure'>) => void;
};

/** What operators should read, once each. Source `*`: the folder of journals cannot be read. */
export type ShipperReport =
  | SourceReport
  /** A source is stalled. Others that are stalled for the same reason are not reported. */
  | { readonly type: 'stalled'; readonly source: string; readonly error: unknown }
  | { readonly type: 'resumed'; readonly source: string }
  | { readonly type: 'damage'; readonly source: string; readonly damage: Damage };

export type SourceStatus = DeliveryStatus & {
  readonly name: string;
  readonly stalled: boolean;
  /** Why the source is stalled; null while it is not. */
  readonly lastError: string | null;
};

export type Shipper = {
  start(): void;
  /** Stops at once. A batch in flight is sent again after the next start, under the same tokens. */
  stop(): Promise<void>;
  /** Delivers all that is there now; for a shipper that is stopped. @throws the cause of a failure */
  drain(): Promise<void>;
  status(): Promise<{ readonly sources: readonly SourceStatus[]; readonly deadLetters: number }>;
};

const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;
/** Names of sources and journal folders, which are parts of file names. Excludes our own folders. */
const SOURCE_NAME = /^(?!poison$)[A-Za-z0-9][\w-]*$/;

type Scheduled = {
  readonly shipper: SourceShipper;
  /** When the next batch is due, by the monotonic clock. */
  next: number;
  /** Milliseconds to wait after a failure; 0 while there is none. */
  delay: number;
  lastError: string | null;
  /** Whether `stalled` was reported. */
  reported: boolean;
  /** Whether a damage was recorded that the next missing numbers come from. */
  damaged: boolean;
};

/**
 * Delivers events from all sources to `holdpoint.events`, each exactly once (see `SourceShipper`), one batch at a time.
 *
 * ClickHouse remembers a limited number of tokens (`non_replicated_deduplication_window`): at most 10,000 other inserts may
 * come between a lost acknowledgement and the retry.
 */
export async function createShipper(options: ShipperOptions): Promise<Shipper> {
  const { dir, client, interval = 500, rows = BATCH_ROWS, clock = Date.now, onReport = () => {} } = options;
  const { record = () => {} } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const states = await openShipStates(join(dir, '.shipper'));
  const deadLetters = await openDeadLetters(join(dir, 'poison'));
  const tables = watchTables(client, options.prepare ?? (() => migrate(client)));
  const pace = createPace();
  const all = new Map<string, Scheduled>();
  const journals = new Set<string>();
  for (const source of options.sources?.(states.home) ?? []) add(source, false);
  let running: Promise<void> | null = null;
  let stopping = new AbortController();

  function add(source: Source, rewinds: boolean): void {
    const { name } = source;
    if (!SOURCE_NAME.test(name)) throw new Error(`Invalid source name: ${name}`);
    // Two sources of one name would share a cursor.
    if (all.has(name)) throw new Error(`Two sources are named ${name}`);
    const shipper = new SourceShipper({
      source,
      states: source.shared ?? states,
      rewinds,
      tables,
      deadLetters,
      rows,
      clock,
      signal: () => stopping.signal,
      report: tell,
    });
    all.set(name, { shipper, next: -Infinity, delay: 0, lastError: null, reported: false, damaged: false });
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
    // The damage was reported with the same numbers.
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
    record('journal.damaged', { reason: `No longer readable: ${what}`, failure: 'gateway-failed' });
  }

  /** One batch from each source that is due. @returns when the next one is */
  async function round(): Promise<number> {
    await discover();
    for (const one of all.values()) {
      const started = performance.now();
      if (stopping.signal.aborted || started < one.next) continue;
      try {
        const shipment = await one.shipper.ship();
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
      onReport({ type: 'stalled', source: one.shipper.name, error });
    }
    one.lastError = reason;
    one.delay = Math.min(LONGEST_DELAY, Math.max(FIRST_DELAY, one.delay * 2));
    one.next = performance.now() + one.delay;
  }

  function recovered(one: Scheduled): void {
    // What stalled several sources no longer stalls any.
    for (const other of all.values()) if (one.delay > 0 && other.lastError === one.lastError) other.next = -Infinity;
    if (one.reported) onReport({ type: 'resumed', source: one.shipper.name });
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
      // A `drain` that follows needs a signal that is not aborted.
      stopping = new AbortController();
    },
    async drain() {
      await discover();
      for (const { shipper } of all.values()) while ((await shipper.ship()) !== null);
    },
    async status() {
      await discover();
      const sources = await Promise.all(
        [...all.values()].map(async ({ shipper, delay, lastError }) => ({
          name: shipper.name,
          ...(await shipper.status()),
          stalled: delay > 0,
          lastError,
        })),
      );
      return { sources, deadLetters: await deadLetters.count() };
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
