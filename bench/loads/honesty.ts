import { fileURLToPath } from 'node:url';
import { freePort, LOAD_CORE, PEER_CORE, run, serve } from '../child.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Load } from '../plan.ts';
import type { AutocannonJob } from './autocannon.ts';
import type { ConstantRateJob, OpenLoad } from './constant-rate.ts';

/**
 * Checks both loads at a constant rate against a server with known stalls: it stops for 100 ms in every second. `node
 * bench/loads/honesty.ts`, half a minute.
 */
const PERIOD = 1_000;
const STALL = 100;
const RATE = 1_000;
const SECONDS = 10;
const CONNECTIONS = 64;

/**
 * How long, in ms, the calls wait that begin evenly over time before a server which stops for `stall` of every `period`:
 * the wait that `share` of them do not exceed. A call that begins x ms before the end of a stop waits x ms, so that
 * (stall − x) / period of all calls wait longer than x.
 */
export function waitAt(share: number, { period, stall }: { readonly period: number; readonly stall: number }): number {
  return Math.max(0, stall - (1 - share) * period);
}

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

async function load<Found>(name: string, job: object): Promise<Found> {
  return JSON.parse(await run(LOAD_CORE, process.execPath, [program(name)], JSON.stringify(job))) as Found;
}

async function compare(): Promise<string> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const args = [program('stalling-server.ts'), ...[port, PERIOD, STALL].map(String)];
  const server = await serve(PEER_CORE, process.execPath, args, { url: base });
  try {
    const request = { method: 'GET', path: '/', headers: {}, body: '' } as const;
    const job = { base, request, rate: RATE, seconds: SECONDS };
    const ours = await load<OpenLoad>('constant-rate.ts', job satisfies ConstantRateJob);
    const theirs = await load<Load>('autocannon.ts', { ...job, connections: CONNECTIONS } satisfies AutocannonJob);
    const expected = (share: number): string => waitAt(share, { period: PERIOD, stall: STALL }).toFixed(1);
    const rows = [
      ['the server, by arithmetic', expected(0.5), expected(0.99), expected(0.999), expected(1)],
      ['constant-rate.ts', ...[ours.p50, ours.p99, ours.p999, ours.max].map((ms) => ms.toFixed(1))],
      ['autocannon, overallRate', theirs.p50.toFixed(1), theirs.p99.toFixed(1), '–', '–'],
    ];
    const about = `${RATE} calls/s for ${SECONDS} s to a server that stops for ${STALL} ms in every ${PERIOD}; times in ms`;
    const doubt = ours.saturated ? `\n\nconstant-rate.ts says of itself: ${ours.saturated}` : '';
    return `${about}\n\n${markdownTable(['load', 'p50', 'p99', 'p99.9', 'max'], rows)}${doubt}\n`;
  } finally {
    await server.stop();
  }
}

if (import.meta.main) process.stdout.write(await compare());
