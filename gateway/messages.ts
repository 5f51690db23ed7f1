import type { ClickHouseAddress } from '../audit/clickhouse.ts';
import type { Listening } from './addresses.ts';

/** The configuration as it was read at the start: a file edited later must not give a restarted process another one. */
export type ConfigText = { readonly file: string; readonly text: string };

/** Metrics as prom-client gives them, to be added up over processes. */
export type ProcessMetrics = readonly object[];

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
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'drain' };

/** What a worker says to the supervisor. */
export type FromWorker =
  | { readonly type: 'listening' }
  | { readonly type: 'activated'; readonly revision: string }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: ProcessMetrics }
  | { readonly type: 'failed'; readonly reason: string };

/** What the supervisor says to control. */
export type ToControl =
  | {
      readonly type: 'start';
      readonly config: ConfigText;
      readonly listen: Listening;
      readonly clickhouse: ClickHouseAddress;
      readonly instance: string;
      /** The processes of this run that there were when this one was started. */
      readonly alive: readonly string[];
    }
  /** A worker ended; what it was releasing has an unknown outcome. */
  | { readonly type: 'ended'; readonly name: string }
  /** All workers decide by this revision. */
  | { readonly type: 'enforced'; readonly revision: string }
  | { readonly type: 'metrics'; readonly id: number; readonly workers: readonly ProcessMetrics[] }
  | { readonly type: 'drain' };

/** What control says to the supervisor. */
export type FromControl =
  | { readonly type: 'policy'; readonly revision: string }
  | { readonly type: 'listening' }
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'failed'; readonly reason: string };
