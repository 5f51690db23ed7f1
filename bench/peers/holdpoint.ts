import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, LOAD_CORE, PEER_CORE, pin, serve } from '../child.ts';
import type { Peer } from '../plan.ts';
import { commandLine, descendants, residentMebibytes } from '../proc.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function writeConfig(folder: string, upstream: string, token: string): Promise<{ file: string; port: number }> {
  const [agents, admin] = [await freePort(), await freePort()];
  const file = join(folder, 'holdpoint.yaml');
  writeFileSync(
    file,
    `listen: { agents: 127.0.0.1:${agents}, admin: 127.0.0.1:${admin} }
data: ./data
policies: ${join(ROOT, 'policies')}
workers: 1
log: warn
systems:
  payments: { upstream: "http://${upstream}" }
agents:
  - id: bench
    owner: bench@example.com
    token_sha256: ${createHash('sha256').update(token).digest('hex')}
    roles: [payer]
    systems: [payments]
`,
  );
  return { file, port: agents };
}

/** What a process of Holdpoint is there for, by the file and the arguments that it was started with. */
function role(pid: number): string {
  return commandLine(pid)
    .slice(1)
    .filter((argument) => !argument.startsWith('--max-'))
    .map((argument) => basename(argument))
    .join(' ');
}

/**
 * The whole gateway as an operator starts it, with identity, policy, journal, shipper and embedded ClickHouse. The one
 * worker has the measured core to itself; the processes that do not handle calls share the load's core.
 */
export const holdpoint: Peer = {
  name: 'holdpoint',
  version: () => (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version,
  async start({ upstream, token, folder }) {
    const { file, port } = await writeConfig(folder, upstream, token);
    const base = `http://127.0.0.1:${port}/payments`;
    const { pid: supervisor, stop } = await serve(
      LOAD_CORE,
      process.execPath,
      [join(ROOT, 'gateway/main.ts'), 'start', '--config', file],
      { url: `${base}/v1/customers?limit=1`, headers: { authorization: `Bearer ${token}` } },
    );
    const worker = descendants(supervisor).find((pid) => /\bworker\b/.test(role(pid)));
    if (worker === undefined) {
      await stop();
      throw new Error('holdpoint runs, but none of its processes says that it is a worker');
    }
    pin(worker, PEER_CORE);
    return {
      base,
      pid: worker,
      residents: () =>
        descendants(supervisor).map((pid) => ({ process: role(pid), mebibytes: residentMebibytes(pid) })),
      stop,
    };
  },
};
