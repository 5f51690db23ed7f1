import { Counter, type Registry } from 'prom-client';

/** Counts drift checks of responses by result. */
export function createDriftMetrics(registry: Registry): (system: string, result: string) => void {
  const checks = new Counter({
    name: 'holdpoint_drift_checks_total',
    help: 'Drift checks of responses, by result: none, found, unread (not JSON, too large, incomplete) or failed',
    labelNames: ['system', 'result'],
    registers: [registry],
  });
  return (system, result) => checks.inc({ system, result });
}
