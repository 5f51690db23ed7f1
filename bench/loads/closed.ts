import { fileURLToPath } from 'node:url';
import { LOAD_CORE, run, versionOf } from '../child.ts';
import type { BenchRequest, Load } from '../plan.ts';

/** Sends from a fixed number of connections, each as soon as it has its answer. */
export type ClosedLoad = {
  readonly version: string;
  send(base: string, request: BenchRequest, connections: number, seconds: number): Promise<Load>;
};

const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon'));

const autocannon: ClosedLoad = {
  version: versionOf(process.execPath, AUTOCANNON, '--version') ?? 'autocannon',
  async send(base, { method, path, headers, body }, connections, seconds) {
    const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}=${value}`]);
    const payload = body ? ['-b', body] : [];
    const size = ['-c', String(connections), '-d', String(seconds)];
    const printed = await run(LOAD_CORE, process.execPath, [
      AUTOCANNON,
      '-jn',
      ...size,
      '-m',
      method,
      ...fields,
      ...payload,
      base + path,
    ]);
    const found = JSON.parse(printed) as {
      duration: number;
      errors: number;
      non2xx: number;
      requests: { total: number };
      latency: { p50: number; p99: number };
    };
    return {
      calls: found.requests.total,
      seconds: found.duration,
      failures: found.errors + found.non2xx,
      p50: found.latency.p50,
      p99: found.latency.p99,
    };
  },
};

const wrk: ClosedLoad = {
  version: versionOf('wrk', '-v')?.replace(/ Copyright.*/, '') ?? 'wrk',
  async send(base, { method, path, headers, body }, connections, seconds) {
    const script = fileURLToPath(new URL('wrk.lua', import.meta.url));
    const size = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`];
    const fields = Object.entries(headers).flat();
    const printed = await run(LOAD_CORE, 'wrk', [...size, '-s', script, base + path, '--', method, body, ...fields]);
    return JSON.parse(/^RESULT (.*)$/m.exec(printed)?.[1] ?? 'null') as Load;
  },
};

/**
 * `wrk` where it is installed, because autocannon on one core is spent before nginx is: measured with it, every fast
 * peer looks as slow as the load.
 *
 * @throws when `wanted` is not installed.
 */
export function closedLoad(wanted: string | undefined): ClosedLoad {
  const hasWrk = versionOf('wrk', '-v') !== null;
  if (wanted === 'wrk' && !hasWrk) throw new Error('wrk is not installed; leave --load out or take --load autocannon');
  if (wanted !== undefined && wanted !== 'wrk' && wanted !== 'autocannon') {
    throw new Error(`--load knows wrk and autocannon, not ${wanted}`);
  }
  return hasWrk && wanted !== 'autocannon' ? wrk : autocannon;
}
