import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LOAD_CORE, run } from '../child.ts';
import type { Load, Scenario } from '../plan.ts';
import { latencyGet, latencyPost } from '../scenarios/latency.ts';
import { startUpstream } from '../upstream.ts';
import { gather } from './crowd.ts';
import type { HoldGateway } from './gateway.ts';
import { startHoldGateway } from './gateway.ts';
import { inspect } from './inspector.ts';
import type { Inspector, Memory } from './inspector.ts';

/** Other calls, by the name of the scenario; `cpuMicros` is the worker's for each of them. */
export type OtherCalls = Readonly<Record<string, Load & { readonly cpuMicros: number }>>;

/** One round on one gateway: without waiting callers, with the crowd, and after it has left. */
export type WaitingSample = {
  readonly callers: number;
  readonly gatherSeconds: number;
  readonly memory: { readonly before: Memory; readonly waiting: Memory; readonly after: Memory };
  readonly others: { readonly before: OtherCalls; readonly waiting: OtherCalls; readonly after: OtherCalls };
};

type Open = Extract<Scenario, { kind: 'open' }>;
export const OTHER_CALLS: readonly Open[] = [latencyGet, latencyPost].filter((scenario) => scenario.kind === 'open');

const CONSTANT_RATE = fileURLToPath(new URL('../loads/constant-rate.ts', import.meta.url));
const WARM_SECONDS = 5;
/** Callers that wait first, to warm up the code. */
const WARM_CALLERS = 250;

/** The cost of a waiting crowd: memory of the worker, and time of other calls. */
export async function measureWaiting(
  folder: string,
  callers: number,
  seconds: number,
  say: (progress: string) => void,
): Promise<WaitingSample> {
  await using cleanup = new AsyncDisposableStack();
  const upstream = await startUpstream(mkdtempSync(join(folder, 'upstream-')));
  cleanup.defer(() => upstream.stop());
  const gateway = await startHoldGateway(mkdtempSync(join(folder, 'gateway-')), upstream.address, null);
  cleanup.defer(() => gateway.stop());
  const inspector = await inspect(gateway.worker);
  cleanup.defer(() => inspector.close());

  const { agents, admin, agentToken: token } = gateway;
  await otherCalls(gateway, inspector, WARM_SECONDS);
  const some = await gather({ agents, admin, token, callers: Math.min(WARM_CALLERS, callers), from: 0 }, () => {});
  await some.leave();

  const look = async () => {
    const memory = await settled(inspector);
    return { memory, others: await otherCalls(gateway, inspector, seconds) };
  };
  say('nobody waits');
  const before = await look();
  const since = performance.now();
  const crowd = await gather({ agents, admin, token, callers, from: WARM_CALLERS }, (waiting) => {
    if (waiting % 2_000 === 0) say(`${waiting.toLocaleString('en')} wait`);
  });
  // In every case: waiting callers would keep this program from ending.
  cleanup.defer(() => crowd.leave().catch(() => {}));
  const gatherSeconds = (performance.now() - since) / 1000;
  const waiting = await look();
  await crowd.leave();
  say('they have left');
  const after = await look();
  return {
    callers,
    gatherSeconds,
    memory: { before: before.memory, waiting: waiting.memory, after: after.memory },
    others: { before: before.others, waiting: waiting.others, after: after.others },
  };
}

/** A moment later, when what was under way has ended. */
async function settled(inspector: Inspector): Promise<Memory> {
  await pause(2_000);
  return await inspector.settle();
}

async function otherCalls(
  { agents, agentToken }: HoldGateway,
  inspector: Inspector,
  seconds: number,
): Promise<OtherCalls> {
  const found: Record<string, OtherCalls[string]> = {};
  for (const { name, rate, request } of OTHER_CALLS) {
    const headers = { ...request.headers, authorization: `Bearer ${agentToken}` };
    const job = JSON.stringify({ base: `${agents}/payments`, request: { ...request, headers }, rate, seconds });
    const before = await inspector.cpuMicros();
    const load = JSON.parse(await run(LOAD_CORE, process.execPath, [CONSTANT_RATE], job)) as Load;
    found[name] = { ...load, cpuMicros: ((await inspector.cpuMicros()) - before) / load.calls };
  }
  return found;
}
