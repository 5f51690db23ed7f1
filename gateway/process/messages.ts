import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import type { Departure } from '../config/changes.ts';
import type { InFlight } from '../domain/work.ts';
import type { Listening } from './addresses.ts';
import type { ReadBy } from './config-keeper.ts';
import type { PackedConfig } from './packed-config.ts';

/** The outcome of reading the configuration again. It names fields and never holds their values. */
export type ConfigNews = {
  /** Counts the readings. */
  readonly number: number;
  readonly at: number;
  readonly by: ReadBy;
  /** The fields that changed. */
  readonly fields: readonly string[];
  /** Saved fields that come into force with the next start. */
  readonly needsRestart: readonly string[];
  readonly departures: readonly Departure[];
  /** What is wrong with the saved file, which then changes nothing; null if it is in force. */
  readonly refused: readonly string[] | null;
};

/** Metrics as prom-client exports them, to be added up over processes. */
export type ProcessMetrics = readonly object[];

/**
 * What control asks of all workers: their `metrics`, the calls `in-flight`, or to load the current `suspensions` before
 * they answer.
 */
export type Question = 'metrics' | 'in-flight' | 'suspensions';

/** One worker's answer. */
export type Answer =
  | { readonly metrics: ProcessMetrics }
  | { readonly inFlight: InFlight }
  | { readonly suspensions: 'known' };

/** Identifies this run of the gateway among all runs on one store, and the one before it, which has ended. */
export type Runs = { readonly run: string; readonly earlier: string | null };

/** A client left a held call after so many milliseconds. The worker that saw it tells the others. */
export type ClientLeft = { readonly type: 'client-left'; readonly client: string; readonly after: number };

/** A client of MCP cancelled a request. The worker that was told tells the others, since one of them may have it. */
export type RequestCancelled = { readonly type: 'request-cancelled'; readonly request: string };

/** Messages from the supervisor to a worker. */
export type ToWorker =
  | {
      readonly type: 'start';
      /** The configuration in force. A restarted process must not read a file that is broken or half saved. */
      readonly config: PackedConfig;
      readonly listen: Listening;
      /** The reading of the configuration. */
      readonly number: number;
      readonly slot: number;
      readonly instance: string;
    }
  | { readonly type: 'activate'; readonly revision: string }
  | { readonly type: 'configure'; readonly number: number; readonly config: PackedConfig }
  | { readonly type: 'ask'; readonly id: number; readonly about: Question }
  | ClientLeft
  | RequestCancelled
  | { readonly type: 'drain' };

/** Messages from a worker to the supervisor. */
export type FromWorker =
  | { readonly type: 'listening' }
  | { readonly type: 'activated'; readonly revision: string }
  /** This worker serves calls under this reading of the configuration. */
  | { readonly type: 'configured'; readonly number: number }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  | ClientLeft
  | RequestCancelled
  | { readonly type: 'failed'; readonly reason: string };

/** Messages from the supervisor to control. */
export type ToControl =
  | {
      readonly type: 'start';
      readonly config: PackedConfig;
      /** When this configuration came into force, the latest reading, and those that control has not recorded yet. */
      readonly configuredAt: number;
      readonly latest: ConfigNews | null;
      readonly news: readonly ConfigNews[];
      readonly listen: Listening;
      readonly instance: string;
      readonly runs: Runs;
      /** The processes of this run that were alive when this one started. */
      readonly alive: readonly string[];
    }
  /** The ClickHouse for the record. Calls are served before it is known. */
  | { readonly type: 'clickhouse'; readonly address: ClickHouseAddress }
  /** A process ended. The calls that it was releasing have an unknown outcome. */
  | { readonly type: 'ended'; readonly name: string }
  /** The configuration was read again. `config` is null if it stays as it is. */
  | { readonly type: 'configure'; readonly config: PackedConfig | null; readonly news: ConfigNews }
  /** All workers serve calls under this reading of the configuration. */
  | { readonly type: 'configured'; readonly number: number }
  /** All workers enforce this revision. */
  | { readonly type: 'enforced'; readonly revision: string }
  /** The workers' answers that came in time; `complete` if all of them came. */
  | {
      readonly type: 'answers';
      readonly id: number;
      readonly answers: readonly Answer[];
      readonly complete: boolean;
    }
  /** Control is killed if it has not ended after `limit` ms. */
  | { readonly type: 'drain'; readonly limit: number };

/** Messages from control to the supervisor. */
export type FromControl =
  | { readonly type: 'policy'; readonly revision: string }
  /** Control has recorded this reading of the configuration. */
  | { readonly type: 'noted'; readonly number: number }
  | { readonly type: 'listening' }
  | { readonly type: 'ask'; readonly id: number; readonly about: Question }
  | { readonly type: 'failed'; readonly reason: string };
