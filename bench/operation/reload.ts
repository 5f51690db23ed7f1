import { cpSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from '../holds/figures.ts';
import { openConnection, type Connection } from './connection.ts';
import { POLICIES, startOperated } from './gateway.ts';

const RATE = 500;
const CONNECTIONS = 32;
const WORKERS = 2;
/** Milliseconds that a change may take before it counts as not enforced. */
const LIMIT = 10_000;
const BETWEEN = 1_500;

const READ = { method: 'GET', path: '/v1/customers?limit=1', body: null };
/** A call that the rule blocks. */
const MARKED = { method: 'GET', path: '/v1/closed', body: null };

/** Milliseconds. */
export type Change = {
  /** From the moment before the file is written to an answer by the new policy from the last worker. */
  readonly enforced: number;
  /** The same from the first worker. */
  readonly first: number;
};

export type ReloadSample = {
  readonly changes: readonly Change[];
  readonly calls: number;
  readonly failures: readonly string[];
  /** Latencies of the calls while a change was on its way, and while there was none. */
  readonly p99: { readonly changing: number; readonly quiet: number };
};

/**
 * Saves a rule again and again while two workers serve 500 calls a second. Half of the calls go where that rule refuses
 * under a name that tells which version of it decided; each connection belongs to one worker for good.
 */
export async function measureReload(folder: string, upstream: string, times: number): Promise<ReloadSample> {
  const policies = join(folder, 'policies');
  mkdirSync(policies, { recursive: true });
  cpSync(join(POLICIES, 'rules'), join(policies, 'rules'), { recursive: true });
  const file = join(policies, 'rules/payments.rego');
  const original = readFileSync(file, 'utf8');
  const closing = (name: string) =>
    `${original}\nblock contains {"rule": "${name}", "reason": "Closed."} if input.action.segments[1] == "closed"\n`;

  const gateway = await startOperated({ folder, upstream, workers: WORKERS, policies });
  const workerOf = new Map<Connection, number>();
  try {
    const workers = gateway.processes().flatMap(({ role, pid }) => (role === 'worker' ? [pid] : []));
    // The first answer says that one worker listens. Until the other does, the system gives it nothing.
    while (new Set(workerOf.values()).size < WORKERS || workerOf.size < CONNECTIONS) {
      const connection = await openConnection(gateway.base, gateway.token);
      await connection.call(READ);
      const worker = ownerOf(connection.port, gateway.base, workers);
      const shared = [...workerOf.values()].filter((other) => other === worker).length;
      if (shared < CONNECTIONS / WORKERS) workerOf.set(connection, worker);
      else connection.close();
    }
    const connections = [...workerOf.keys()];

    const [failures, changing, quiet]: [string[], number[], number[]] = [[], [], []];
    /** The change on its way: its rule, and when it was first seen from each worker. */
    let awaited: { readonly rule: string; readonly seen: Map<number, number>; done: () => void } | null = null;
    let known = new Set<string>();
    let [calls, broken, running] = [0, 0, true];

    async function send(connection: Connection, due: number, isMarked: boolean): Promise<boolean> {
      const change = awaited;
      try {
        const { status, text } = await connection.call(isMarked ? MARKED : READ);
        const now = performance.now();
        (change ? changing : quiet).push(now - due);
        const rule = status === 403 ? (JSON.parse(text) as { rule?: string }).rule : null;
        if (status !== 200 && !(isMarked && rule && known.has(rule))) failures.push(`${status} ${text}`);
        if (awaited && rule === awaited.rule) {
          const worker = workerOf.get(connection)!;
          if (!awaited.seen.has(worker)) awaited.seen.set(worker, now);
          if (awaited.seen.size === WORKERS) awaited.done();
        }
        return true;
      } catch (error) {
        failures.push((error as Error).message);
        return false;
      }
    }
    const load = (async () => {
      const started = performance.now();
      const idle = [...connections];
      while (running) {
        const now = performance.now();
        for (let due = started + (calls * 1000) / RATE; due <= now; due = started + (calls * 1000) / RATE) {
          const connection = idle.shift();
          // Nobody is free: the call is sent with the next tick, and its wait counts.
          if (!connection) break;
          const isMarked = calls++ % 2 === 0;
          void send(connection, due, isMarked).then((lives) => (lives ? idle.push(connection) : (broken += 1)));
        }
        await pause(1);
      }
      // A call in progress counts like any other.
      while (idle.length + broken < connections.length) await pause(1);
    })();

    await pause(BETWEEN);
    const changes: Change[] = [];
    for (let i = 0; i < times; i += 1) {
      const rule = `rules.payments/closed-${i}`;
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited = { rule, seen: new Map(), done: resolve };
      known = new Set([...[...known].slice(-1), rule]);
      const began = performance.now();
      writeFileSync(file, closing(`closed-${i}`));
      const late = setTimeout(resolve, LIMIT);
      await promise;
      clearTimeout(late);
      const seen = [...awaited.seen.values()].map((at) => at - began);
      if (seen.length < WORKERS) failures.push(`change ${i} was not enforced by all workers within ${LIMIT} ms`);
      else changes.push({ enforced: Math.max(...seen), first: Math.min(...seen) });
      awaited = null;
      await pause(BETWEEN);
    }
    running = false;
    await load;
    return { changes, calls, failures, p99: { changing: quantile(changing, 0.99), quiet: quantile(quiet, 0.99) } };
  } finally {
    for (const connection of workerOf.keys()) connection.close();
    await gateway.stop();
  }
}

/** Which of the processes has the other end of a connection from this port, by the system's table of sockets. */
function ownerOf(port: number, base: string, pids: readonly number[]): number {
  const hex = (port: number | string) => Number(port).toString(16).toUpperCase().padStart(4, '0');
  const ends = [`:${hex(new URL(base).port)}`, `:${hex(port)}`] as const;
  const row = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, remote]) => local?.endsWith(ends[0]) && remote?.endsWith(ends[1]));
  const inode = row?.[9];
  const owner = pids.find((pid) =>
    readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`),
  );
  if (owner === undefined) throw new Error('a connection belongs to no worker');
  return owner;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
