import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, LOAD_CORE, PEER_CORE, pin, serve } from '../child.ts';
import { workerOf } from '../role.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const hash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A gateway with one worker, an agent whose larger refunds are held, and four people who may approve them. */
export type HoldGateway = {
  /** Where the agent calls, and where people decide: scheme, host and port. */
  readonly agents: string;
  readonly admin: string;
  readonly agentToken: string;
  /** Of one of these people. */
  readonly reviewerToken: string;
  /** The process that has the measured core to itself. */
  readonly worker: number;
  stop(): Promise<void>;
};

/**
 * Starts the gateway as an operator does, with the repository's policies. The worker has the measured core to itself;
 * the other processes share core 0 with the load.
 * @param folder gets its configuration and state
 * @param upstream `host:port`
 * @param store where holds live, as `postgres://…`; in SQLite when null
 */
export async function startHoldGateway(folder: string, upstream: string, store: string | null): Promise<HoldGateway> {
  mkdirSync(folder, { recursive: true });
  const [agents, admin] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const [agentToken, reviewerToken] = [randomBytes(24).toString('base64url'), randomBytes(24).toString('base64url')];
  const file = join(folder, 'holdpoint.yaml');
  // JSON is YAML. Nobody's wait ends by itself while this measures.
  const config = {
    listen: { agents, admin },
    data: './data',
    ...(store !== null && { store }),
    policies: join(ROOT, 'policies'),
    workers: 1,
    log: 'warn',
    systems: { payments: { upstream: `http://${upstream}`, wait: '25m' } },
    agents: [
      {
        id: 'bench',
        owner: 'ana@example.com',
        token_sha256: hash(agentToken),
        roles: ['payer'],
        systems: ['payments'],
      },
    ],
    reviewers: ['ben', 'cleo', 'dan', 'eve'].map((person, index) => ({
      id: `${person}@example.com`,
      token_sha256: hash(index === 0 ? reviewerToken : person),
      groups: ['finance'],
    })),
  };
  writeFileSync(file, JSON.stringify(config));
  const args = [join(ROOT, 'gateway/main.ts'), 'start', '--config', file];
  const { pid, stop } = await serve(LOAD_CORE, process.execPath, args, { url: `http://${agents}/-/readyz` });
  try {
    const worker = workerOf(pid);
    pin(worker, PEER_CORE);
    return { agents: `http://${agents}`, admin: `http://${admin}`, agentToken, reviewerToken, worker, stop };
  } catch (reason) {
    await stop();
    throw reason;
  }
}
