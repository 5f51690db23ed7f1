import { Counter, Gauge, type Registry } from 'prom-client';
import { createHistogram, type Series } from './histogram.ts';

/** What is counted of calls. One method a moment, so that nothing else in the gateway knows the metrics' names. */
export type CallMetrics = {
  /** `took` in milliseconds, `decideMicros` null when policy was not asked. */
  completed(system: string, verdict: string, status: number, took: number, decideMicros: number | null): void;
  unrecorded(): void;
  /** The mask failed on a decision; its input was dropped. */
  maskFailed(): void;
  /** People could not be told of a blocked call. */
  alertFailed(): void;
};

/** The data plane's metrics of one worker; control adds up those of all workers for `/metrics`. */
export function createCallMetrics(registry: Registry, waiting: () => number): CallMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'holdpoint_calls_total',
    help: 'Calls answered, by system, verdict and class of status',
    labelNames: ['system', 'verdict', 'status'],
    registers,
    collect() {
      for (const series of known.values()) {
        series.total.inc(series.untold);
        series.untold = 0;
      }
    },
  });
  const seconds = createHistogram({
    name: 'holdpoint_call_seconds',
    help: 'From the arrival of a call to the end of its answer; held calls include the wait for people',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registry,
  });
  const decide = createHistogram({
    name: 'holdpoint_decide_seconds',
    help: 'Evaluation of policy for one call',
    buckets: [0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01],
    registry,
  })();
  const unrecorded = new Counter({
    name: 'holdpoint_unrecorded_completions_total',
    help: 'Ends of calls that could not be recorded; their decisions are on record',
    registers,
  });
  const masksFailed = new Counter({
    name: 'holdpoint_mask_failures_total',
    help: 'Decisions that are on record without their input, because it could not be masked',
    registers,
  });
  const alertsFailed = new Counter({
    name: 'holdpoint_alerts_failed_total',
    help: 'Blocked calls of which people could not be told at once',
    registers,
  });
  // Registered for what it collects; nobody sets it.
  new Gauge({
    name: 'holdpoint_waiting_callers',
    help: 'Callers whose connection is kept open while people decide',
    registers,
    collect() {
      this.set(waiting());
    },
  });

  // Looking a series up by its labels costs more than counting, so calls are counted here until somebody asks.
  const known = new Map<string, { readonly total: Counter.Internal; untold: number; readonly seconds: Series }>();
  function seriesOf(system: string, verdict: string, status: string) {
    const key = `${status} ${verdict} ${system}`;
    let series = known.get(key);
    if (!series) {
      series = { total: calls.labels(system, verdict, status), untold: 0, seconds: seconds({ verdict }) };
      known.set(key, series);
    }
    return series;
  }

  return {
    completed(system, verdict, status, took, decideMicros) {
      const series = seriesOf(system, verdict, status === 0 ? 'gone' : `${Math.floor(status / 100)}xx`);
      series.untold += 1;
      series.seconds.observe(took / 1000);
      if (decideMicros !== null) decide.observe(decideMicros / 1e6);
    },
    unrecorded: () => unrecorded.inc(),
    maskFailed: () => masksFailed.inc(),
    alertFailed: () => alertsFailed.inc(),
  };
}
