import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../child.ts';
import { cpuMicros, descendants } from '../proc.ts';
import { roleOf, type Role } from '../role.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The policies of this repository. */
export const POLICIES = join(ROOT, 'policies');
/** Milliseconds between looks whether calls are answered yet. */
const LOOK = 5;
const LIMIT = 60_000;

export type Settings = {
  /** Configuration and data; what an earlier start left there is found again. */
  readonly folder: string;
  /** `host:port` */
  readonly upstream: string;
  readonly workers: number;
  readonly policies: string;
};

export type OperatedGateway = {
  /** Where the agent calls, with the system's name: calls need `token`. */
  readonly base: string;
  readonly token: string;
  /** Milliseconds from starting the process to the first call answered by the system, and the CPU of all processes. */
  readonly start: { readonly firstCall: number; readonly cpu: number };
  processes(): readonly { readonly role: Role; readonly pid: number }[];
  stop(): Promise<void>;
};

/** Starts the gateway as an operator does, with the embedded ClickHouse, and waits for the first answered call. */
export async function startOperated({ folder, upstream, workers, policies }: Settings): Promise<OperatedGateway> {
  mkdirSync(folder, { recursive: true });
  const [agents, admin] = [await freePort(), await freePort()];
  const token = randomBytes(24).toString('base64url');
  const file = join(folder, 'holdpoint.yaml');
  // JSON is YAML.
  const config = {
    listen: { agents: `127.0.0.1:${agents}`, admin: `127.0.0.1:${admin}` },
    data: './data',
    policies,
    workers,
    log: 'warn',
    systems: { payments: { upstream: `http://${upstream}` } },
    agents: [
      {
        id: 'bench',
        owner: 'bench@example.com',
        token_sha256: createHash('sha256').update(token).digest('hex'),
        roles: ['payer'],
        systems: ['payments'],
      },
    ],
  };
  writeFileSync(file, JSON.stringify(config));
  const since = performance.now();
  const child = spawn(process.execPath, [join(ROOT, 'gateway/main.ts'), 'start', '--config', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const keep = (chunk: Buffer): void => void (printed = (printed + chunk.toString()).slice(-4000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const closed = once(child, 'close');
  const pid = child.pid!;
  const base = `http://127.0.0.1:${agents}/payments`;
  while (!(await isAnswered(`${base}/v1/customers?limit=1`, token))) {
    if (child.exitCode === null && performance.now() - since < LIMIT) {
      await pause(LOOK);
      continue;
    }
    child.kill('SIGTERM');
    throw new Error(`the gateway was not ready: ${printed}`);
  }
  const firstCall = performance.now() - since;
  const cpu = descendants(pid).reduce((sum, each) => sum + (cpuMicros(each) ?? 0), 0) / 1000;
  return {
    base,
    token,
    start: { firstCall, cpu },
    processes: () =>
      descendants(pid).flatMap((each) => {
        const role = roleOf(each);
        return role ? [{ role, pid: each }] : [];
      }),
    async stop() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

/** On a connection of its own, so that nothing of an attempt that failed is kept. */
function isAnswered(url: string, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}`, connection: 'close' };
    request(url, { headers, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    })
      .once('error', () => resolve(false))
      .end();
  });
}
