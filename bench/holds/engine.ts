import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, LOAD_CORE, PEER_CORE, run } from '../child.ts';
import type { Decisions, DecisionsJob } from './decisions.ts';
import type { HoldGateway } from './gateway.ts';
import { startHoldGateway } from './gateway.ts';
import type { Databases } from './postgres.ts';
import type { Reviews, ReviewsJob } from './reviews.ts';
import type { StoreRate, StoreRateJob } from './store-rate.ts';

/** One round with holds in one kind of database. */
export type EngineSample = {
  /** Callers with a handle, and callers who wait on their connection. */
  readonly handles: Reviews;
  readonly attached: Reviews;
  readonly decisions: Decisions;
  readonly store: StoreRate;
};

export const REVIEWED = 400;
const WARM = 50;
export const CALLERS = 32;
const WARM_SECONDS = 2;

/** Room for the numbers of the calls of one measurement. */
const NUMBERS = 1_000_000;

/** @param databases where the holds are; a SQLite file in `folder` when null */
export async function measureEngine(
  folder: string,
  databases: Databases | null,
  seconds: number,
  say: (progress: string) => void,
): Promise<EngineSample> {
  const own = mkdtempSync(join(folder, 'engine-'));
  say('opened, approved and released');
  const upstreamPort = await freePort();
  const upstream = `127.0.0.1:${upstreamPort}`;
  const gateway = await startHoldGateway(join(own, 'gateway'), upstream, (await databases?.create()) ?? null);
  let reviewed: Omit<EngineSample, 'store'>;
  try {
    reviewed = await measureGateway(gateway, upstreamPort, seconds, say);
  } finally {
    await gateway.stop();
  }
  say('opened and decided, the store alone');
  const at = databases ? { url: await databases.create() } : { file: join(own, 'store', 'holds.sqlite') };
  const job: StoreRateJob = { at, callers: CALLERS, warmSeconds: WARM_SECONDS, seconds };
  return { ...reviewed, store: await runScript<StoreRate>(PEER_CORE, 'store-rate.ts', job) };
}

async function measureGateway(
  { agents, admin, agentToken, reviewerToken }: HoldGateway,
  upstreamPort: number,
  seconds: number,
  say: (progress: string) => void,
): Promise<Omit<EngineSample, 'store'>> {
  const who = { agents, admin, agentToken, reviewerToken };
  const review = (handle: boolean, from: number): Promise<Reviews> => {
    const size = { holds: REVIEWED + WARM, warm: WARM };
    return runScript(LOAD_CORE, 'reviews.ts', { ...who, ...size, upstreamPort, handle, from } satisfies ReviewsJob);
  };
  const handles = await review(true, 0);
  const attached = await review(false, NUMBERS);
  say('opened and decided, as fast as it goes');
  const job: DecisionsJob = { ...who, callers: CALLERS, warmSeconds: WARM_SECONDS, seconds, from: 2 * NUMBERS };
  return { handles, attached, decisions: await runScript<Decisions>(LOAD_CORE, 'decisions.ts', job) };
}

async function runScript<Found>(core: number, name: string, job: object): Promise<Found> {
  const script = fileURLToPath(new URL(name, import.meta.url));
  return JSON.parse(await run(core, process.execPath, [script, JSON.stringify(job)])) as Found;
}
