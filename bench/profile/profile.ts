import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseScenarios } from '../choice.ts';
import { startEvents } from '../events/upstream.ts';
import { inspect } from '../holds/inspector.ts';
import { machine } from '../machine.ts';
import type { Options } from '../options.ts';
import { holdpoint } from '../peers/holdpoint.ts';
import type { Address, Load, Scenario } from '../plan.ts';
import { apply } from '../rounds.ts';
import { postJson } from '../scenarios/post-json.ts';
import { SCENARIOS } from '../scenarios.ts';
import { startUpstream } from '../upstream.ts';
import { stackTimes } from './cpu-profile.ts';
import type { CpuProfile } from './cpu-profile.ts';
import { profileText } from './profile-text.ts';
import { stageTimes } from './stages.ts';
import { threadTimes, usedBetween } from './threads.ts';

const WARM_SECONDS = 5;
const SECONDS = 6;
/** Microseconds between samples: fine enough for functions that take one of a call's hundred. */
const INTERVAL = 100;

const RESULTS = new URL('../results/', import.meta.url);

/**
 * Where the CPU time of one call goes: one scenario against the gateway as an operator starts it, once as it is and once
 * under V8's sampling profiler, in one and the same worker. Prints a table, and writes it and the profile to `results/`.
 *
 * The code has no timers of its own for this: on a path of a hundred microseconds, two looks at the clock for each of ten
 * stages would be part of what they measure, and would stay in the product. The profiler is switched on by Node's inspector
 * once the worker is warm, so that nothing of the start is in it; it makes everything slower, and so its shares are taken
 * from it and the total from the run without it.
 *
 * @param options `only` names one scenario; the small POST when it names none
 * @returns the exit code: 1 when a call failed
 * @throws Error where there is no /proc
 */
export async function benchProfile({ only, load }: Pick<Options, 'only' | 'load'>): Promise<number> {
  const scenario = scenarioOf(only);
  const rate = 'rate' in scenario ? scenario.rate : null;
  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-profile-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream(join(folder, 'upstream'));
  cleanup.defer(() => upstream.stop());
  const events = await startEvents();
  cleanup.defer(() => events.stop());
  const address: Address | null = { answer: upstream, tls: upstream.tls, events }[scenario.upstream ?? 'answer'];
  if (address === null) throw new Error(`“${scenario.name}” needs openssl`);

  const token = randomBytes(24).toString('base64url');
  const gateway = await holdpoint.start({
    upstream: address.address,
    authority: address.authority,
    systems: scenario.systems,
    system: scenario.system,
    token,
    folder: join(folder, 'gateway'),
  });
  cleanup.defer(() => gateway.stop());
  const worker = gateway.pid!;
  const send = (seconds: number): Promise<Load> => apply({ load, token }, scenario, rate, gateway.base, seconds);

  await send(WARM_SECONDS);
  const before = threadTimes(worker);
  const plain = await send(SECONDS);
  const used = usedBetween(before, threadTimes(worker));

  const inspector = await inspect(worker);
  cleanup.defer(() => inspector.close());
  await inspector.call('Profiler.enable');
  await inspector.call('Profiler.setSamplingInterval', { interval: INTERVAL });
  await inspector.call('Profiler.start');
  const profiled = await send(SECONDS);
  const { profile } = (await inspector.call('Profiler.stop')) as { profile: CpuProfile };

  const text = profileText({
    scenario: scenario.name,
    seconds: SECONDS,
    interval: INTERVAL,
    machine: { ...machine(), load: load.version, upstream: upstream.version },
    plain: { calls: plain.calls, used },
    profiled: { calls: profiled.calls, stages: stageTimes(stackTimes(profile)) },
  });
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL('profile.md', RESULTS), `${text}\n`);
  writeFileSync(new URL('profile.cpuprofile', RESULTS), JSON.stringify(profile));
  process.stdout.write(`${text}\n`);
  const failures = plain.failures + profiled.failures;
  if (failures > 0)
    process.stderr.write(`${failures} calls had no 2xx answer: this profile is not that of a sound run\n`);
  return failures > 0 ? 1 : 0;
}

/** @throws Error when it is not one scenario that can be run by itself */
function scenarioOf(only: readonly string[]): Exclude<Scenario, { kind: 'half' }> {
  const [scenario, ...more] = only.length === 0 ? [postJson] : chooseScenarios(SCENARIOS, only);
  if (scenario === undefined || more.length > 0) {
    throw new Error(
      `--profile takes one scenario; ${only.join(', ')} names ${[scenario, ...more].map((one) => `“${one?.name}”`).join(', ')}`,
    );
  }
  if (scenario.kind === 'half') throw new Error(`--profile cannot tell what half of saturation is`);
  return scenario;
}
