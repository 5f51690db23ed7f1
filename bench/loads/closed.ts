import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canPin, LOAD_CORE, run, versionOf } from '../child.ts';
import type { BenchRequest, Load } from '../plan.ts';
import type { AutocannonJob } from './autocannon.ts';
import { coreTicks, shareBetween } from './core-share.ts';

/** Sends from a fixed number of connections, each as soon as it has its answer. */
export type ClosedLoad = {
  readonly version: string;
  send(base: string, request: BenchRequest, connections: number, seconds: number): Promise<Load>;
};

const AUTOCANNON = fileURLToPath(new URL('autocannon.ts', import.meta.url));

const autocannon: ClosedLoad = {
  version: versionOf(process.execPath, fileURLToPath(import.meta.resolve('autocannon')), '--version') ?? 'autocannon',
  async send(base, request, connections, seconds) {
    const job = JSON.stringify({ base, request, connections, seconds } satisfies AutocannonJob);
    return JSON.parse(await run(LOAD_CORE, process.execPath, [AUTOCANNON], job)) as Load;
  },
};

const wrk: ClosedLoad = {
  version: versionOf('wrk', '-v')?.replace(/ Copyright.*/, '') ?? 'wrk',
  async send(base, { method, path, headers, body, bodies = [body] }, connections, seconds) {
    const script = fileURLToPath(new URL('wrk.lua', import.meta.url));
    const size = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`];
    const fields = Object.entries(headers).flat();
    using folder = mkdtempDisposableSync(join(tmpdir(), 'holdpoint-wrk-'));
    const file = join(folder.path, 'bodies');
    writeFileSync(file, bodies.join('\n'));
    const printed = await run(LOAD_CORE, 'wrk', [...size, '-s', script, base + path, '--', method, file, ...fields]);
    return JSON.parse(/^RESULT (.*)$/m.exec(printed)?.[1] ?? 'null') as Load;
  },
};

/**
 * `wrk` where it is installed, because autocannon on one core saturates before nginx does, and then every fast peer
 * looks as slow as the load.
 *
 * @throws Error when `wanted` is not installed
 */
export function closedLoad(wanted: string | undefined): ClosedLoad {
  const hasWrk = versionOf('wrk', '-v') !== null;
  if (wanted === 'wrk' && !hasWrk) throw new Error('wrk is not installed; leave --load out or take --load autocannon');
  if (wanted !== undefined && wanted !== 'wrk' && wanted !== 'autocannon') {
    throw new Error(`--load knows wrk and autocannon, not ${wanted}`);
  }
  return watched(hasWrk && wanted !== 'autocannon' ? wrk : autocannon);
}

/** Tells how busy its core was meanwhile. */
function watched(load: ClosedLoad): ClosedLoad {
  return {
    ...load,
    async send(...job) {
      const before = canPin ? coreTicks(LOAD_CORE) : null;
      const found = await load.send(...job);
      return { ...found, coreBusy: shareBetween(before, canPin ? coreTicks(LOAD_CORE) : null) };
    },
  };
}

const FULL = 0.95;
const SPENT = 0.9;

/**
 * Why the rate of a closed loop is not the peer's own; null when it is, or it cannot be told. Load and upstream share a
 * core, and no peer is faster than both together. So they were the limit if that core was full while the peer had time
 * left. The whole core counts, not only the generator: the upstream may use half of it, and a neighbour takes from
 * both. If neither core was full, they waited for something else, such as a disk or each other over a few connections;
 * that is a finding, not a fault of the load.
 *
 * @param busy share of its core that the peer used; null for the upstream itself, which the load always limits
 */
export function saturation({ coreBusy = null }: Load, busy: number | null): string | null {
  if (coreBusy === null || busy === null || coreBusy < FULL || busy >= SPENT) return null;
  return `load and upstream filled their core (${percent(coreBusy)}), the peer used ${percent(busy)} of its own`;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
