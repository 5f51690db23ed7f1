import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { canPin, LOAD_CORE } from '../child.ts';
import type { Stretch, TrafficJob } from './traffic.ts';

const TRAFFIC = fileURLToPath(new URL('traffic.ts', import.meta.url));

/** Sends mixed calls from the load's core until their time is over; gives each stretch as it ends. @throws when the process fails */
export async function* traffic(job: TrafficJob): AsyncGenerator<Stretch> {
  const pin = canPin ? ['taskset', '--cpu-list', String(LOAD_CORE)] : [];
  const [command, ...args] = [...pin, process.execPath, TRAFFIC, JSON.stringify(job)];
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const closed = once(child, 'close');
  try {
    for await (const line of createInterface(child.stdout)) yield JSON.parse(line) as Stretch;
    const [code] = (await closed) as [number | null];
    if (code !== 0) throw new Error(`the load ended with ${code}: ${complaint.slice(-2000)}`);
  } finally {
    child.kill('SIGKILL');
  }
}

/** One stretch of a closed loop. */
export async function saturate(base: string, token: string, seconds: number, connections = 64): Promise<Stretch> {
  let last: Stretch | null = null;
  const job = { base, token, rate: null, connections, seconds, every: seconds + 5 };
  for await (const stretch of traffic(job)) last = stretch;
  if (last === null) throw new Error('the load sent nothing');
  return last;
}
