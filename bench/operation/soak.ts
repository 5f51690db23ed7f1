import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LOAD_CORE, PEER_CORE, pin } from '../child.ts';
import { inspect } from '../holds/inspector.ts';
import type { Role } from '../role.ts';
import { POLICIES, startOperated, type OperatedGateway } from './gateway.ts';
import { openFiles, readMemory } from './process-memory.ts';
import { saturate, traffic } from './start-traffic.ts';
import type { Stretch } from './traffic.ts';

const SATURATION_SECONDS = 10;

/** One process at one minute: megabytes, and how many files and sockets it has open. */
export type ProcessSample = {
  readonly resident: number;
  /** After a garbage collection, and what buffers hold outside; null for what cannot be asked. */
  readonly heap: number | null;
  readonly external: number | null;
  readonly files: number;
};

export type Minute = {
  readonly minute: number;
  readonly load: Stretch;
  readonly processes: Readonly<Record<string, ProcessSample>>;
  /** Megabytes of journal that wait for ClickHouse. */
  readonly journal: number;
};

export type SoakSample = { readonly saturation: number; readonly rate: number; readonly minutes: readonly Minute[] };

/**
 * Mixed calls at half of what one worker can do, for a long time. Each process is looked at once a minute.
 * @param say hears of every minute
 */
export async function measureSoak(
  folder: string,
  upstream: string,
  minutes: number,
  say: (text: string) => void,
): Promise<SoakSample> {
  const gateway = await startOperated({ folder, upstream, workers: 1, policies: POLICIES });
  try {
    for (const { role, pid } of gateway.processes()) pin(pid, role === 'worker' ? PEER_CORE : LOAD_CORE);
    const { base, token } = gateway;
    await saturate(base, token, SATURATION_SECONDS);
    const { calls, seconds } = await saturate(base, token, SATURATION_SECONDS);
    const saturation = calls / seconds;
    const rate = Math.round(saturation / 2);
    say(`${Math.round(saturation)} calls/s at most; ${rate} calls/s for ${minutes} minutes`);
    const found: Minute[] = [];
    const job = { base, token, rate, connections: 64, seconds: minutes * 60, every: 60 };
    for await (const load of traffic(job)) {
      // The last stretch is a rest of a second.
      if (load.seconds < 30) continue;
      const minute: Minute = {
        minute: found.length + 1,
        load,
        processes: await look(gateway),
        journal: sizeOf(join(folder, 'data/journal')),
      };
      found.push(minute);
      say(describe(minute));
    }
    return { saturation, rate, minutes: found };
  } finally {
    await gateway.stop();
  }
}

async function look(gateway: OperatedGateway): Promise<Record<Role, ProcessSample>> {
  const found: Partial<Record<Role, ProcessSample>> = {};
  for (const { role, pid } of gateway.processes()) {
    // Before its garbage is collected: what the operator sees.
    const { resident } = readMemory(pid);
    const files = openFiles(pid);
    const inspector = await inspect(pid);
    const { heap, external } = await inspector.settle();
    await inspector.end();
    found[role] = { resident, heap: heap / 1e6, external: external / 1e6, files };
  }
  return found as Record<Role, ProcessSample>;
}

/** Megabytes of the files in a folder. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
    if (!entry.isFile()) return sum;
    // Delivered segments go while we look.
    return sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0) / 1e6;
  }, 0);
}

function describe({ minute, load, processes, journal }: Minute): string {
  const each = Object.entries(processes).map(
    ([role, { resident, heap, files }]) =>
      `${role} ${resident.toFixed(0)} MB (heap ${heap?.toFixed(1) ?? '–'}), ${files} files`,
  );
  const failed = Object.entries(load.failures).map(([reason, count]) => `  FAILED ${count} × ${reason}`);
  return `minute ${minute}  ${Math.round(load.calls / load.seconds)} calls/s, p99 ${load.p99.toFixed(2)} ms; ${each.join('; ')}; journal ${journal.toFixed(1)} MB${failed.join('')}`;
}
