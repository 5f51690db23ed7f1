import { Counter, Gauge, type Registry } from 'prom-client';
import { CallHistogram, type Series } from './histogram.ts';

/** What is counted of calls. One method per moment, so that only this file knows the names of the metrics. */
export type CallMetrics = {
  /** `took` in milliseconds; `decideMicros` is null when policy was not asked. */
  completed(system: string, verdict: string, status: number, took: number, decideMicros: number | null): void;
  unrecorded(): void;
  /** The mask failed on a decision, whose input was dropped. */
  maskFailed(): void;
  /** Reviewers could not be notified of a blocked call. */
  alertFailed(): void;
};

/** The data plane's metrics of one worker; control sums those of all workers for `/metrics`. */
export function createCallMetrics(registry: Registry, waiting: () => number): CallMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'holdpoint_calls_total',
    help: 'Calls answered, by system, verdict and status class',
    labelNames: ['system', 'verdict', 'status'],
    registers,
    collect() {
      for (const series of known.values()) {
        series.total.inc(series.unreported);
        series.unreported = 0;
      }
    },
  });
  const seconds = new CallHistogram({
    name: 'holdpoint_call_seconds',
    help: 'Time from the arrival of a call to the end of its response; includes the wait for reviewers',
    labelNames: ['verdict'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers,
  });
  const decide = new CallHistogram({
    name: 'holdpoint_decide_seconds',
    help: 'Policy evaluation time per call',
    buckets: [0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01],
    registers,
  }).series();
  const unrecorded = new Counter({
    name: 'holdpoint_unrecorded_completions_total',
    help: 'Completed calls whose completion could not be recorded; their decisions are recorded',
    registers,
  });
  const masksFailed = new Counter({
    name: 'holdpoint_mask_failures_total',
    help: 'Decisions recorded without their input because masking failed',
    registers,
  });
  const alertsFailed = new Counter({
    name: 'holdpoint_alerts_failed_total',
    help: 'Alerts about blocked calls that could not be sent at once',
    registers,
  });
  new Gauge({
    name: 'holdpoint_waiting_callers',
    help: 'Connections kept open while reviewers decide',
    registers,
    collect() {
      this.set(waiting());
    },
  });

  // Looking a series up by its labels costs more than counting, so calls are counted here until metrics are collected.
  const known = new Map<string, { readonly total: Counter.Internal; unreported: number; readonly seconds: Series }>();
  function seriesOf(system: string, verdict: string, status: string) {
    const key = `${status} ${verdict} ${system}`;
    let series = known.get(key);
    if (!series) {
      series = { total: calls.labels(system, verdict, status), unreported: 0, seconds: seconds.series({ verdict }) };
      known.set(key, series);
    }
    return series;
  }

  return {
    completed(system, verdict, status, took, decideMicros) {
      const series = seriesOf(system, verdict, status === 0 ? 'gone' : `${Math.floor(status / 100)}xx`);
      series.unreported += 1;
      series.seconds.observe(took / 1000);
      if (decideMicros !== null) decide.observe(decideMicros / 1e6);
    },
    unrecorded: () => unrecorded.inc(),
    maskFailed: () => masksFailed.inc(),
    alertFailed: () => alertsFailed.inc(),
  };
}
