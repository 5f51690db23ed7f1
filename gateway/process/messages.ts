import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import type { Listening } from './addresses.ts';

/** The configuration as it was read at the start: a file edited later must not give a restarted process another one. */
export type ConfigText = { readonly file: string; readonly text: string };

/** Metrics as prom-client gives them, to be added up over processes. */
export type ProcessMetrics = readonly object[];

/**
 * What control asks all workers at once: for their `metrics`, or to know of every change of `suspensions` before they
 * answer.
 */
export type Question = 'metrics' | 'suspensions';

/** What one worker answers. */
export type Answer = { readonly metrics: ProcessMetrics } | { readonly suspensions: 'known' };

/** What the supervisor says to a worker. */
export type ToWorker =
  | {
      readonly type: 'start';
      readonly config: ConfigText;
      readonly listen: Listening;
      readonly slot: number;
      readonly instance: string;
    }
  | { readonly type: 'activate'; readonly revision: string }
  | { readonly type: 'ask'; readonly id: number; readonly about: Question }
  | { readonly type: 'drain' };

/** What a worker says to the supervisor. */
export type FromWorker =
  | { readonly type: 'listening' }
  | { readonly type: 'activated'; readonly revision: string }
  | { readonly type: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly type: 'failed'; readonly reason: string };

/** What the supervisor says to control. */
export type ToControl =
  | {
      readonly type: 'start';
      readonly config: ConfigText;
      readonly listen: Listening;
      readonly instance: string;
      /** Names this run of the gateway among all on one store. */
      readonly run: string;
      /** The processes of this run that there were when this one was started. */
      readonly alive: readonly string[];
    }
  /** Where the record goes. Calls are served before it is known. */
  | { readonly type: 'clickhouse'; readonly address: ClickHouseAddress }
  /** A worker ended; what it was releasing has an unknown outcome. */
  | { readonly type: 'ended'; readonly name: string }
  /** All workers decide by this revision. */
  | { readonly type: 'enforced'; readonly revision: string }
  /** What the workers answered in time; not `complete` when one of them did not. */
  | {
      readonly type: 'answers';
      readonly id: number;
      readonly answers: readonly Answer[];
      readonly complete: boolean;
    }
  /** Whoever has not ended after `limit` ms is killed. */
  | { readonly type: 'drain'; readonly limit: number };

/** What control says to the supervisor. */
export type FromControl =
  | { readonly type: 'policy'; readonly revision: string }
  | { readonly type: 'listening' }
  | { readonly type: 'ask'; readonly id: number; readonly about: Question }
  | { readonly type: 'failed'; readonly reason: string };
