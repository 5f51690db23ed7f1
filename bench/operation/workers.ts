import { join } from 'node:path';
import { LOAD_CORE, PEER_CORE, pin } from '../child.ts';
import { cpuMicros } from '../proc.ts';
import { POLICIES, startOperated } from './gateway.ts';
import { saturate } from './start-traffic.ts';

const WARM_SECONDS = 3;
/** For each worker. */
const CONNECTIONS = 64;

/** CPU for each call, microseconds; and calls a second on the one core that the workers had. */
export type WorkersSample = {
  readonly workers: number;
  readonly perSecond: number;
  readonly worker: number;
  /** Supervisor, control and ClickHouse: on other cores, and common to all workers. */
  readonly common: number;
  readonly failures: Readonly<Record<string, number>>;
};

/** All workers on one and the same core, everything else on the other: what differs is what they cost each other. */
export async function measureWorkers(
  folder: string,
  upstream: string,
  workers: number,
  seconds: number,
): Promise<WorkersSample> {
  // As many for each worker: what a worker does at once, it does in one go, and half as many would make calls dearer.
  const connections = CONNECTIONS * workers;
  const gateway = await startOperated({
    folder: join(folder, `workers-${workers}-${performance.now()}`),
    upstream,
    workers,
    policies: POLICIES,
  });
  try {
    for (const { role, pid } of gateway.processes()) pin(pid, role === 'worker' ? PEER_CORE : LOAD_CORE);
    await saturate(gateway.base, gateway.token, WARM_SECONDS, connections);
    const used = () => {
      const sums = { worker: 0, common: 0 };
      for (const { role, pid } of gateway.processes())
        sums[role === 'worker' ? 'worker' : 'common'] += cpuMicros(pid) ?? 0;
      return sums;
    };
    const before = used();
    const { calls, seconds: took, failures } = await saturate(gateway.base, gateway.token, seconds, connections);
    const after = used();
    return {
      workers,
      perSecond: calls / took,
      worker: (after.worker - before.worker) / calls,
      common: (after.common - before.common) / calls,
      failures,
    };
  } finally {
    await gateway.stop();
  }
}
