import { AggregatorRegistry, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createCallMetrics } from '../../../gateway/record/call-metrics.ts';

test('the calls of all workers are summed by system, verdict and status class, their times by verdict', async () => {
  const workers = [new Registry(), new Registry()];
  for (const registry of workers) {
    const metrics = createCallMetrics(registry, () => 2);
    metrics.completed('payments', 'allow', 200, 4, 30);
    metrics.completed('payments', 'allow', 0, 2_000, 30);
    metrics.completed('payments', 'block', 403, 1, null);
  }
  // As they arrive at control, over the channel between the processes.
  const collected = structuredClone(await Promise.all(workers.map((registry) => registry.getMetricsAsJSON())));
  const text = await AggregatorRegistry.aggregate(collected).metrics();
  for (const line of [
    'holdpoint_calls_total{system="payments",verdict="allow",status="2xx"} 2',
    'holdpoint_calls_total{system="payments",verdict="allow",status="gone"} 2',
    'holdpoint_calls_total{system="payments",verdict="block",status="4xx"} 2',
    'holdpoint_call_seconds_bucket{le="0.005",verdict="allow"} 2',
    'holdpoint_call_seconds_bucket{le="5",verdict="allow"} 4',
    'holdpoint_call_seconds_count{verdict="allow"} 4',
    'holdpoint_call_seconds_count{verdict="block"} 2',
    'holdpoint_decide_seconds_bucket{le="0.00002"} 0',
    'holdpoint_decide_seconds_bucket{le="0.00005"} 4',
    'holdpoint_decide_seconds_count 4',
    'holdpoint_waiting_callers 4',
  ])
    expect(text.split('\n')).toContain(line);
});

test('a call is counted once, however often the metrics are collected', async () => {
  const registry = new Registry();
  createCallMetrics(registry, () => 0).completed('payments', 'allow', 200, 4, 30);
  await registry.metrics();
  expect(await registry.metrics()).toContain('holdpoint_calls_total{system="payments",verdict="allow",status="2xx"} 1');
});
