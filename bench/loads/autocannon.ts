import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import type { BenchRequest, Load } from '../plan.ts';

/** Runs as `node autocannon.ts` and reads an `AutocannonJob` as JSON from its input; prints a `Load` as JSON. */
export type AutocannonJob = {
  readonly base: string;
  readonly request: BenchRequest;
  readonly connections: number;
  readonly seconds: number;
  /** Calls per second of all connections; as many as go when absent. See honesty.ts before you use it. */
  readonly rate?: number;
};

const { base, request, connections, seconds, rate } = JSON.parse(readFileSync(0, 'utf8')) as AutocannonJob;
const { method, path, headers, body, bodies = [body] } = request;
const found = await autocannon({
  url: base,
  connections,
  duration: seconds,
  requests: bodies.map((one) => ({
    method,
    path: new URL(base + path).pathname + new URL(base + path).search,
    headers,
    ...(one && { body: one }),
  })),
  ...(rate && { overallRate: rate }),
});
const load: Load = {
  calls: found.requests.total,
  seconds: found.duration,
  failures: found.errors + found.non2xx,
  p50: found.latency.p50,
  p99: found.latency.p99,
};
process.stdout.write(JSON.stringify(load));
