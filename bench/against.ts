import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chooseScenarios } from './choice.ts';
import { markdownTable } from './markdown-table.ts';
import { median } from './holds/figures.ts';
import type { Options } from './options.ts';
import { startHoldpoint } from './peers/holdpoint.ts';
import type { Load, RunningPeer, Scenario } from './plan.ts';
import { apply, measure } from './rounds.ts';
import { postJson } from './scenarios/post-json.ts';
import { SCENARIOS } from './scenarios.ts';
import { startUpstream } from './upstream.ts';

const HERE = fileURLToPath(new URL('..', import.meta.url));
const WARM_SECONDS = 5;
/** Pairs of measured windows in a round, in the order ABBA, so that a machine that becomes slower favours neither. */
const PAIRS = 8;

/**
 * This checkout against another one: is a change within some percent of what was before? Both gateways run at once, on the
 * same core, and are called in turn. Both start anew in each round, because what V8 compiles and inlines differs from start
 * to start by more than what is looked for. What counts is the CPU of the workers.
 *
 * @param folder the other checkout, with its packages installed
 * @returns the exit code: 1 when a call failed
 */
export async function benchAgainst(folder: string, { rounds, seconds, only, load }: Options): Promise<number> {
  const other = resolve(folder);
  if (!existsSync(join(other, 'gateway/main.ts')) || !existsSync(join(other, 'node_modules'))) {
    throw new Error(`${other} is no checkout of Holdpoint with its packages: clone it there, and run npm ci in it`);
  }
  const named: readonly Scenario[] = only.length === 0 ? [postJson] : chooseScenarios(SCENARIOS, only);
  const scenarios = named.flatMap((one) =>
    one.kind === 'closed' && (one.upstream ?? 'answer') === 'answer' ? [one] : [],
  );
  await using cleanup = new AsyncDisposableStack();
  const scratch = mkdtempSync(join(tmpdir(), 'holdpoint-against-'));
  cleanup.defer(() => rmSync(scratch, { recursive: true, force: true }));
  const upstream = await startUpstream(join(scratch, 'upstream'));
  cleanup.defer(() => upstream.stop());
  const token = randomBytes(24).toString('base64url');

  let failures = 0;
  const rows = [];
  for (const scenario of scenarios) {
    const send = async (gateway: RunningPeer, time: number): Promise<Load> => {
      const sent = await apply({ load, token }, scenario, null, gateway.base, time);
      failures += sent.failures;
      return sent;
    };
    const starts: Pair[][] = [];
    for (let round = 1; round <= rounds; round += 1) {
      await using started = new AsyncDisposableStack();
      const start = async (root: string): Promise<RunningPeer> => {
        const setting = { upstream: upstream.address, systems: scenario.systems, system: scenario.system, token };
        const gateway = await startHoldpoint(root, { ...setting, folder: mkdtempSync(join(scratch, 'gateway-')) });
        started.defer(() => gateway.stop());
        await send(gateway, WARM_SECONDS);
        return gateway;
      };
      const first = await start(round % 2 === 0 ? HERE : other);
      const second = await start(round % 2 === 0 ? other : HERE);
      const gateways = round % 2 === 0 ? { here: first, other: second } : { here: second, other: first };
      const pairs: Pair[] = [];
      for (let pair = 0; pair < PAIRS; pair += 1) {
        const micros = { here: 0, other: 0 };
        for (const which of pair % 2 === 0 ? (['here', 'other'] as const) : (['other', 'here'] as const)) {
          const { cpuMicros } = await measure(gateways[which], () => send(gateways[which], seconds));
          if (cpuMicros === null) throw new Error('without /proc the cost of a call cannot be measured');
          micros[which] = cpuMicros;
        }
        pairs.push(micros);
      }
      starts.push(pairs);
      process.stdout.write(`${scenario.name}, start ${round} of ${rounds}: ratio ${ratioOf(pairs).toFixed(3)}\n`);
    }
    const all = starts.flat();
    const ratios = starts.map(ratioOf);
    rows.push([
      scenario.name,
      median(all.map(({ here }) => here)).toFixed(1),
      median(all.map((pair) => pair.other)).toFixed(1),
      ratioOf(all).toFixed(3),
      `${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)}`,
    ]);
  }
  const head = ['CPU of the worker', 'here, µs/call', 'there, µs/call', 'ratio', 'of single starts'];
  process.stdout.write(`\n${markdownTable(head, rows)}\n`);
  if (failures > 0) process.stderr.write(`${failures} calls had no 2xx answer: this is no sound run\n`);
  return failures > 0 ? 1 : 0;
}

/** CPU of one call in microseconds. */
type Pair = { readonly here: number; readonly other: number };

const ratioOf = (pairs: readonly Pair[]): number => median(pairs.map(({ here, other }) => here / other));
