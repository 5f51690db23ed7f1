import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchRequest } from '../plan.ts';
import { printLoad } from './print-load.ts';

/**
 * Opens streams, reads events for a while, and tells how long each was on its way from the server's write to its arrival
 * here. Runs as `node load.ts` and reads an `EventsJob` as JSON from its input; prints a `Load` as JSON, in which calls are events.
 */
export type EventsJob = {
  readonly base: string;
  readonly request: BenchRequest;
  readonly streams: number;
  /** Events a second on each stream: fewer than nine tenths of them mean that some were lost or kept back. */
  readonly rate: number;
  readonly seconds: number;
};

const job = JSON.parse(readFileSync(0, 'utf8')) as EventsJob;
const agent = new Agent({ maxSockets: job.streams });
const delays: number[] = [];
let [failures, reading] = [0, false];

function open(): Promise<void> {
  return new Promise((resolve) => {
    const failed = (): void => {
      failures += 1;
      resolve();
    };
    const { method, path, headers, body } = job.request;
    const call = request(job.base + path, { agent, method, headers }, (response) => {
      if (response.statusCode !== 200) failed();
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const arrived = process.hrtime.bigint();
        const events = (rest + chunk).split('\n\n');
        rest = events.pop()!;
        if (!reading) return resolve();
        for (const event of events) {
          const sent = /"sent":(\d+)/.exec(event)?.[1];
          if (sent) delays.push(Number(arrived - BigInt(sent)) / 1e6);
        }
      });
      response.on('close', failed);
    });
    call.on('error', failed).end(body);
  });
}

await Promise.all(Array.from({ length: job.streams }, open));
const begun = performance.now();
reading = true;
await pause(job.seconds * 1000);
const seconds = (performance.now() - begun) / 1000;
if (delays.length < 0.9 * job.streams * job.rate * seconds) failures += 1;
printLoad(delays, { seconds, failures });
