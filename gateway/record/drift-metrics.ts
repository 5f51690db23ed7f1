import { Counter, type Registry } from 'prom-client';

/** Counts answers that the drift rules of policy were to see, by how that went. */
export function createDriftMetrics(registry: Registry): (system: string, result: string) => void {
  const checks = new Counter({
    name: 'holdpoint_drift_checks_total',
    help: 'Answers to calls for which policy has drift rules: none or found, unread (no JSON, too large, broken off), failed',
    labelNames: ['system', 'result'],
    registers: [registry],
  });
  return (system, result) => checks.inc({ system, result });
}
