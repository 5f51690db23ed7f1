import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchRequest } from '../plan.ts';
import { printLoad } from './print-load.ts';

/**
 * Asks for streams and leaves each as soon as it begins. At the end, the upstream must have no stream left: a peer that does
 * not pass a cancellation on has failed. Runs as `node cancellations.ts`, reads a `CancellationsJob` as JSON from its input,
 * and prints a `Load` as JSON, in which calls are cancelled streams, and times are those to the first byte.
 */
export type CancellationsJob = {
  readonly base: string;
  readonly request: BenchRequest;
  readonly callers: number;
  readonly seconds: number;
};

/** Milliseconds in which the upstream must have heard of the last cancellation. */
const PATIENCE = 2_000;

const job = JSON.parse(readFileSync(0, 'utf8')) as CancellationsJob;
const times: number[] = [];
let failures = 0;
const begun = performance.now();
const end = begun + job.seconds * 1000;

/** How many streams the upstream has open. */
function streamsLeft(): Promise<number> {
  const { headers } = job.request;
  return new Promise((resolve, reject) => {
    request(`${job.base}/v1/streams`, { headers }, (response) => {
      response.once('data', (bytes: Buffer) => resolve(Number(bytes.toString())));
    })
      .once('error', reject)
      .end();
  });
}

function leave(): Promise<void> {
  const { method, path, headers, body } = job.request;
  const from = performance.now();
  return new Promise((resolve) => {
    const call = request(job.base + path, { agent: false, method, headers }, (response) => {
      if (response.statusCode === 200) times.push(performance.now() - from);
      else failures += 1;
      call.off('error', failed).on('error', () => {});
      call.destroy();
      resolve();
    });
    const failed = (): void => {
      failures += 1;
      resolve();
    };
    call.on('error', failed).end(body);
  });
}

await Promise.all(
  Array.from({ length: job.callers }, async () => {
    while (performance.now() < end) await leave();
  }),
);
const seconds = (performance.now() - begun) / 1000;
const patient = performance.now() + PATIENCE;
let left = await streamsLeft();
for (; left > 0 && performance.now() < patient; left = await streamsLeft()) await pause(20);
if (left > 0) failures += 1;
printLoad(times, { seconds, failures });
