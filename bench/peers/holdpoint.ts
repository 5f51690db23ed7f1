import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { freePort, LOAD_CORE, PEER_CORE, pin, serve } from '../child.ts';
import { writeConfigFile } from '../config-file.ts';
import { HOLDPOINT } from '../peer-names.ts';
import type { Peer, RunningPeer, Setting } from '../plan.ts';
import { descendants, residentMebibytes } from '../proc.ts';
import { roleOf, workerOf } from '../role.ts';
import { writePolicies } from './many-policies.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function writeConfig(root: string, setting: Setting): Promise<{ file: string; port: number }> {
  const { folder, upstream, authority, systems = 1, routes = 0, system = 'payments', token } = setting;
  const [port, admin] = [await freePort(), await freePort()];
  const url = `${authority ? 'https' : 'http'}://${upstream}`;
  const others = Array.from({ length: systems - 1 }, (_, i) => `payments-${i + 2}`);
  const unruled = Array.from({ length: routes }, (_, i) => `system-${i + 1}`);
  const called = { upstream: url, ...(system === 'warehouse' && { mcp: '/mcp' }) };
  const file = writeConfigFile(pathToFileURL(join(root, 'bench/peers/holdpoint.yaml')), folder, {
    port,
    admin,
    policies: systems === 1 ? join(root, 'policies') : writePolicies(join(folder, 'policies'), others),
    systems: JSON.stringify({
      [system]: called,
      ...Object.fromEntries([...others, ...unruled].map((name) => [name, { upstream: url }])),
    }),
    system,
    token: createHash('sha256').update(token).digest('hex'),
  });
  return { file, port };
}

/**
 * The whole gateway as an operator starts it, with identity, policy, journal, shipper and embedded ClickHouse. The one
 * worker has the measured core to itself; the processes that do not handle calls share the load's core.
 */
export const holdpoint: Peer = {
  name: HOLDPOINT,
  version: () => (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version,
  start: (setting) => startHoldpoint(ROOT, setting),
};

/** The gateway of the checkout in `root`, with its own template of a configuration and its own policies. */
export async function startHoldpoint(root: string, setting: Setting): Promise<RunningPeer> {
  const { file, port } = await writeConfig(root, setting);
  const gateway = `http://127.0.0.1:${port}`;
  const { pid: supervisor, stop } = await serve(
    LOAD_CORE,
    process.execPath,
    [join(root, 'gateway/main.ts'), 'start', '--config', file],
    { url: `${gateway}/-/readyz` },
    {
      env: setting.authority ? { NODE_EXTRA_CA_CERTS: setting.authority } : {},
      log: join(setting.folder, 'log'),
    },
  );
  try {
    const worker = workerOf(supervisor);
    pin(worker, PEER_CORE);
    return {
      base: `${gateway}/${setting.system ?? 'payments'}`,
      pid: worker,
      elsewhere: () => descendants(supervisor).filter((pid) => pid !== worker),
      residents: () =>
        descendants(supervisor).map((pid) => ({
          process: roleOf(pid) ?? 'another',
          mebibytes: residentMebibytes(pid),
        })),
      stop,
    };
  } catch (reason) {
    await stop();
    throw reason;
  }
}
