import { expect, test } from 'vitest';
import { DIRECT, HOLDPOINT, HTTP_PROXY, NGINX } from '../../bench/peer-names.ts';
import type { Sample, Scenario } from '../../bench/plan.ts';
import { summarise, toMarkdown } from '../../bench/summary.ts';
import type { Row } from '../../bench/summary.ts';

const request = { method: 'GET', path: '/', headers: {}, body: '' } as const;
const closed: Scenario = { name: 'closed', kind: 'closed', connections: 64, request };
const open: Scenario = { name: 'open', kind: 'open', rate: 1000, request };
const PEERS = [DIRECT, NGINX, HOLDPOINT].map((name) => ({ name }));

function sample(round: number, peer: string, found: Partial<Sample>): Sample {
  return {
    round,
    peer,
    scenario: 'closed',
    calls: 1000,
    seconds: 1,
    failures: 0,
    p50: 1,
    p99: 2,
    rate: 1000,
    cpuMicros: 10,
    elsewhereMicros: null,
    busy: 1,
    residents: [],
    ...found,
  };
}

function rowOf(peer: string, scenario: Scenario, samples: readonly Sample[]): Row {
  return summarise(scenario, PEERS, samples).rows.find((row) => row.peer === peer)!;
}

test('a ratio is taken within each round, and then the median of these', () => {
  const samples = [
    sample(1, NGINX, { rate: 100 }),
    sample(1, HOLDPOINT, { rate: 50 }),
    sample(2, NGINX, { rate: 400 }),
    sample(2, HOLDPOINT, { rate: 120 }),
    sample(3, NGINX, { rate: 200 }),
    sample(3, HOLDPOINT, { rate: 80 }),
  ];
  const { times, rate } = rowOf(HOLDPOINT, closed, samples);
  expect(times[NGINX]?.rate).toMatchObject({ median: 0.4, low: 0.3, high: 0.5 });
  expect(rate).toMatchObject({ median: 80, low: 50, high: 120 });
});

test('the median of an even number of rounds is the mean of the middle two', () => {
  const samples = [1, 2, 3, 10].map((rate, i) => sample(i + 1, NGINX, { rate }));
  expect(rowOf(NGINX, closed, samples).rate?.median).toBe(2.5);
});

test('a ratio by CPU is the number of calls for the same CPU: fewer microseconds give a higher ratio', () => {
  const samples = [sample(1, NGINX, { cpuMicros: 10 }), sample(1, HOLDPOINT, { cpuMicros: 25 })];
  expect(rowOf(HOLDPOINT, closed, samples).times[NGINX]?.cpu?.median).toBe(0.4);
});

test('a run with an answer other than 2xx is in no figure and counts as failed', () => {
  const samples = [
    sample(1, NGINX, {}),
    sample(1, HOLDPOINT, { rate: 9_999_999, failures: 1 }),
    sample(2, NGINX, {}),
    sample(2, HOLDPOINT, { rate: 500 }),
  ];
  const row = rowOf(HOLDPOINT, closed, samples);
  expect(row).toMatchObject({ rounds: 1, failedRuns: 1 });
  expect(row.rate?.high).toBe(500);
  expect(row.times[NGINX]?.rate?.median).toBe(0.5);
});

test('a run limited by the load generator counts as failed, and only its CPU for each call stands', () => {
  const samples = [sample(1, NGINX, { saturated: 'its core was busy' }), sample(1, HOLDPOINT, { cpuMicros: 20 })];
  expect(rowOf(NGINX, closed, samples)).toMatchObject({ rounds: 0, failedRuns: 1, rate: null, p99: null });
  expect(rowOf(HOLDPOINT, closed, samples).times[NGINX]).toMatchObject({ rate: null, cpu: { median: 0.5 } });
});

test('what a peer adds is the difference to the direct upstream in the same round', () => {
  const samples = [
    sample(1, DIRECT, { scenario: 'open', p99: 1 }),
    sample(1, HOLDPOINT, { scenario: 'open', p99: 4 }),
    sample(2, DIRECT, { scenario: 'open', p99: 9 }),
    sample(2, HOLDPOINT, { scenario: 'open', p99: 10 }),
  ];
  expect(rowOf(HOLDPOINT, open, samples).addedP99).toMatchObject({ median: 2, low: 1, high: 3 });
  expect(rowOf(HOLDPOINT, open, samples).times).toEqual({});
});

test('a scenario is compared with another one peer by peer, within each round', () => {
  const beside: Scenario = { ...closed, name: 'beside', beside: closed.name };
  const of = (round: number, peer: string, found: Partial<Sample>) => [
    sample(round, peer, { rate: 100, cpuMicros: 10, p99: 2 }),
    sample(round, peer, { scenario: beside.name, ...found }),
  ];
  const samples = [
    ...of(1, HOLDPOINT, { rate: 80, cpuMicros: 20, p99: 5 }),
    ...of(2, HOLDPOINT, { rate: 60, cpuMicros: 20, p99: 3 }),
    ...of(1, NGINX, { rate: 100, cpuMicros: 10, p99: 2 }),
  ];
  const ours = rowOf(HOLDPOINT, beside, samples).beside!;
  expect(ours.rate).toMatchObject({ median: 0.7, low: 0.6, high: 0.8 });
  expect(ours.cpu?.median).toBe(0.5);
  expect(ours.p99).toMatchObject({ median: 2, low: 1, high: 3 });
  expect(rowOf(NGINX, beside, samples).beside?.rate?.median).toBe(1);
  expect(rowOf(HOLDPOINT, closed, samples).beside).toBeNull();
  expect(toMarkdown(summarise(beside, PEERS, samples))).toContain('run of “closed” in the same round');
});

test('a run is not compared with one that failed', () => {
  const beside: Scenario = { ...closed, name: 'beside', beside: closed.name };
  const samples = [
    sample(1, HOLDPOINT, { failures: 1 }),
    sample(1, HOLDPOINT, { scenario: beside.name }),
    sample(2, HOLDPOINT, { saturated: 'its core was busy', cpuMicros: 10 }),
    sample(2, HOLDPOINT, { scenario: beside.name, cpuMicros: 40 }),
  ];
  const ours = rowOf(HOLDPOINT, beside, samples).beside!;
  expect(ours).toMatchObject({ rate: null, p99: null, cpu: { median: 0.25 } });
});

test('the table names failed runs, and peers that had time left', () => {
  const samples = [
    sample(1, NGINX, { busy: 0.6 }),
    sample(1, HOLDPOINT, { failures: 3 }),
    sample(2, NGINX, { busy: 0.5 }),
    sample(2, HOLDPOINT, {}),
  ];
  const text = toMarkdown(summarise(closed, PEERS, samples));
  expect(text).toMatch(/^Failed runs, .*: holdpoint \(1\)\.$/m);
  expect(text).toMatch(/^With time left, .*: nginx proxy_pass\.$/m);
});

test('the table compares only peers that took part', () => {
  const text = toMarkdown(summarise(closed, PEERS, [sample(1, NGINX, {}), sample(1, HOLDPOINT, {})]));
  expect(text).toContain('× nginx');
  expect(text).not.toContain('× http-proxy');
  const more = toMarkdown(summarise(closed, [...PEERS, { name: HTTP_PROXY }], [sample(1, HTTP_PROXY, {})]));
  expect(more).toContain('× http-proxy');
});

test('a 90th percentile counts only if the load began nine of ten calls in time', () => {
  const samples = [
    sample(1, DIRECT, { scenario: 'open', p90: 1, lateness90: 0.1 }),
    sample(1, HOLDPOINT, {
      scenario: 'open',
      p90: 1.5,
      lateness90: 0.1,
      saturated: 'one call in a hundred began late',
    }),
    sample(2, DIRECT, { scenario: 'open', p90: 1, lateness90: 0.1 }),
    sample(2, HOLDPOINT, { scenario: 'open', p90: 9, lateness90: 0.3 }),
  ];
  expect(rowOf(HOLDPOINT, open, samples).addedP90?.median).toBe(0.5);
});
