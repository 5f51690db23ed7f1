import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../holds/figures.ts';
import { readMemory, type ProcessMemory } from './process-memory.ts';
import type { Role } from '../role.ts';
import { POLICIES, startOperated, type OperatedGateway } from './gateway.ts';

/** Seconds without a call until a process counts as idle. */
const IDLE = 5_000;

/** One start: milliseconds, and what the processes occupied once they had been idle. */
export type StartSample = {
  readonly firstCall: number;
  readonly cpu: number;
  readonly memory: Readonly<Partial<Record<Role, ProcessMemory>>>;
};

/** The first start in a new data folder, and the second one, which finds compiled code. */
export type StartRound = { readonly first: StartSample; readonly second: StartSample };

export async function measureStart(folder: string, upstream: string): Promise<StartRound> {
  const settings = { folder: join(folder, `start-${performance.now()}`), upstream, workers: 1, policies: POLICIES };
  return { first: await once(await startOperated(settings)), second: await once(await startOperated(settings)) };
}

async function once(gateway: OperatedGateway): Promise<StartSample> {
  try {
    await pause(IDLE);
    const memory = Object.fromEntries(gateway.processes().map(({ role, pid }) => [role, readMemory(pid)]));
    return { ...gateway.start, memory };
  } finally {
    await gateway.stop();
  }
}

export const medianOf = (rounds: readonly StartRound[], which: 'first' | 'second', pick: (s: StartSample) => number) =>
  median(rounds.map((round) => pick(round[which])));
