import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

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
  });
  const seconds = new Histogram({
    name: 'holdpoint_call_seconds',
    help: 'From the arrival of a call to the end of its answer; held calls include the wait for people',
    labelNames: ['verdict'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers,
  });
  const decide = new Histogram({
    name: 'holdpoint_decide_seconds',
    help: 'Evaluation of policy for one call',
    buckets: [0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.01],
    registers,
  });
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

  // Looking a series up by its labels costs more than counting in it.
  const series = new Map<
    string,
    { readonly calls: Counter.Internal; readonly seconds: Histogram.Internal<'verdict'> }
  >();
  function seriesOf(system: string, verdict: string, status: string) {
    const key = `${status} ${verdict} ${system}`;
    let found = series.get(key);
    if (!found) {
      found = { calls: calls.labels(system, verdict, status), seconds: seconds.labels(verdict) };
      series.set(key, found);
    }
    return found;
  }

  return {
    completed(system, verdict, status, took, decideMicros) {
      const counted = seriesOf(system, verdict, status === 0 ? 'gone' : `${Math.floor(status / 100)}xx`);
      counted.calls.inc();
      counted.seconds.observe(took / 1000);
      if (decideMicros !== null) decide.observe(decideMicros / 1e6);
    },
    unrecorded: () => unrecorded.inc(),
    maskFailed: () => masksFailed.inc(),
    alertFailed: () => alertsFailed.inc(),
  };
}
