import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closedLoad } from './loads/closed.ts';
import { markdownTable } from './markdown-table.ts';
import { direct } from './peers/direct.ts';
import { holdpoint } from './peers/holdpoint.ts';
import { httpProxy } from './peers/http-proxy.ts';
import type { Load, RunningPeer, Scenario } from './plan.ts';
import { apply, measure } from './rounds.ts';
import { get } from './scenarios/get.ts';
import { post10KB } from './scenarios/long-bodies.ts';
import { postJson } from './scenarios/post-json.ts';
import { startUpstream } from './upstream.ts';

/**
 * CPU that bare `@fastify/http-proxy` needs for a call, as a multiple of what Holdpoint needs with everything on: the best
 * of each in one run. Measured on 2026-11-30 on two cores. Raise it when Holdpoint becomes faster, so that the next halving
 * of its speed is noticed.
 */
const EXPECTED: readonly { readonly scenario: Scenario; readonly ratio: number }[] = [
  { scenario: postJson, ratio: 1.2 },
  { scenario: get, ratio: 1.6 },
  { scenario: post10KB, ratio: 0.7 },
];
/** Machines, Node releases and neighbours move the ratio by a fifth; a mistake on the hot path halves it. */
const TOLERATED = 0.5;

const ROUNDS = 4;
const SECONDS = 1;
const WARM_SECONDS = 3;

/** One peer's rounds: CPU in microseconds for each call. */
export type SmokeRun = { readonly peer: string; readonly micros: readonly number[] };

/** The result of the best rounds. `failure` says what to do; null when all is well. */
export type SmokeFinding = { readonly ratio: number; readonly failure: string | null };

/**
 * The best round of each is the one with the fewest disturbances: noise only ever adds.
 * @param expected the ratio that is usual
 */
export function judge(expected: number, proxy: SmokeRun, gateway: SmokeRun): SmokeFinding {
  const ratio = Math.min(...proxy.micros) / Math.min(...gateway.micros);
  if (ratio >= expected * TOLERATED) return { ratio, failure: null };
  return {
    ratio,
    failure:
      `${gateway.peer} does ${ratio.toFixed(2)} calls for the CPU of one through ${proxy.peer}; ${expected} were expected, ` +
      `and under ${(expected * TOLERATED).toFixed(2)} is no noise. Run it again; then compare with the last commit, and look ` +
      'at where the time goes: npm run bench -- --profile',
  };
}

/**
 * A look at speed for CI, a minute: catches a halving, and nothing smaller. Both peers run side by side and are called in
 * turn; what counts is CPU time, best of all rounds, against each other. Nothing absolute is asserted.
 *
 * @returns the exit code: 1 when a call failed, or holdpoint has become far slower
 */
export async function benchSmoke(): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-smoke-'));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream(join(folder, 'upstream'));
  cleanup.defer(() => upstream.stop());
  const token = randomBytes(24).toString('base64url');
  const started = [];
  for (const peer of [direct, httpProxy, holdpoint]) {
    const setting = { upstream: upstream.address, token, folder: mkdtempSync(join(folder, 'peer-')) };
    const running = await peer.start(setting);
    cleanup.defer(() => running.stop());
    started.push({ name: peer.name, running });
  }
  let failed = false;
  for (const { scenario, ratio } of EXPECTED) failed = !(await isAsExpected(scenario, ratio, started, token)) || failed;
  return failed ? 1 : 0;
}

type Started = { readonly name: string; readonly running: RunningPeer };

async function isAsExpected(
  scenario: Scenario,
  expected: number,
  started: readonly Started[],
  token: string,
): Promise<boolean> {
  const load = closedLoad(undefined);
  const send = (peer: RunningPeer, seconds: number): Promise<Load> =>
    apply({ load, token }, scenario, null, peer.base, seconds);
  const peers = started.map((each) => ({
    ...each,
    runs: [] as { rate: number; micros: number | null; failures: number }[],
  }));
  for (const { running } of peers) if (running.pid !== null) await send(running, WARM_SECONDS);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { running, runs } of peers) {
      // The upstream alone: that it answers, and how fast, needs one look.
      if (running.pid === null && round > 0) continue;
      const { rate, cpuMicros, failures } = await measure(running, () => send(running, SECONDS));
      runs.push({ rate, micros: cpuMicros, failures });
    }
  }

  const rows = peers.map(({ name, runs }) => {
    const micros = runs.flatMap((run) => run.micros ?? []);
    const best = micros.length > 0 ? Math.min(...micros).toFixed(1) : '–';
    return [name, best, String(Math.round(Math.max(...runs.map(({ rate }) => rate))))];
  });
  process.stdout.write(`${scenario.name}; ${load.version}; best of ${ROUNDS} rounds\n\n`);
  process.stdout.write(`${markdownTable(['peer', 'CPU µs/call', 'calls/s'], rows)}\n\n`);

  const failed = peers.filter(({ runs }) => runs.some(({ failures }) => failures > 0)).map(({ name }) => name);
  if (failed.length > 0) {
    process.stderr.write(`not every call through ${failed.join(', ')} had a 2xx answer\n`);
    return false;
  }
  const [, proxy, gateway] = peers.map(({ name, runs }) => ({
    peer: name,
    micros: runs.flatMap((run) => run.micros ?? []),
  }));
  if (gateway!.micros.length === 0) {
    process.stdout.write('Without /proc the cost of a call cannot be measured: nothing was compared.\n');
    return true;
  }
  const { ratio, failure } = judge(expected, proxy!, gateway!);
  process.stdout.write(
    `holdpoint: ${ratio.toFixed(2)} × http-proxy by CPU (expected ${expected}, tolerated from ${(expected * TOLERATED).toFixed(2)})\n\n`,
  );
  if (failure !== null) process.stderr.write(`${failure}\n`);
  return failure === null;
}
