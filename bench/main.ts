import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LOAD_CORE, PEER_CORE, run } from './child.ts';
import type { Evaluation } from './evaluation.ts';
import { closedLoad } from './loads/closed.ts';
import type { ClosedLoad } from './loads/closed.ts';
import { machine } from './machine.ts';
import { direct } from './peers/direct.ts';
import { holdpoint } from './peers/holdpoint.ts';
import { httpProxy } from './peers/http-proxy.ts';
import { nginx } from './peers/nginx.ts';
import type { Load, Peer, RunningPeer, Sample, Scenario } from './plan.ts';
import { cpuMicros } from './proc.ts';
import { get } from './scenarios/get.ts';
import { latencyGet, latencyPost } from './scenarios/latency.ts';
import { postJson } from './scenarios/post-json.ts';
import { summarise, toMarkdown } from './summary.ts';
import { startUpstream } from './upstream.ts';

const SCENARIOS: readonly Scenario[] = [postJson, get, latencyGet, latencyPost];
const PEERS: readonly Peer[] = [direct, nginx, httpProxy, holdpoint];
const WARM_SECONDS = 2;
const EVALUATION = fileURLToPath(new URL('evaluation.ts', import.meta.url));
const CONSTANT_RATE = fileURLToPath(new URL('loads/constant-rate.ts', import.meta.url));

const HELP = `npm run bench -- [options]
npm run bench -- holds [options]
npm run bench -- audit [--data DIR]

  --rounds N      rounds, peers in a new order in each (5)
  --duration S    seconds of each measured run (4)
  --only TEXT     only scenarios and peers whose name contains TEXT; may be repeated, once for each kind
  --load NAME     wrk or autocannon (wrk where installed)

With holds: what waiting for people costs. It knows --rounds, --duration, --only, and

  --callers N     how many wait at once (10,000)

With audit: the journal, its delivery into ClickHouse, and verifying it; with --data also a year that bench/year wrote.
`;

type Options = { rounds: number; seconds: number; only: readonly string[]; load: ClosedLoad };

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      duration: { type: 'string', default: '4' },
      only: { type: 'string', multiple: true, default: [] },
      load: { type: 'string' },
    },
  });
  const positive = (name: 'rounds' | 'duration'): number => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1`);
    return value;
  };
  return {
    rounds: positive('rounds'),
    seconds: positive('duration'),
    only: values.only,
    load: closedLoad(values.load),
  };
}

/** Those that `--only` names, or all when it names none of this kind. */
function chosen<T extends { readonly name: string }>(all: readonly T[], only: readonly string[]): readonly T[] {
  const named = all.filter(({ name }) => only.some((text) => name.toLowerCase().includes(text.toLowerCase())));
  return named.length > 0 ? named : all;
}

/** Fisher–Yates, so that no peer always runs after the same other. */
function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

async function apply(
  scenario: Scenario,
  base: string,
  token: string,
  seconds: number,
  load: ClosedLoad,
): Promise<Load> {
  const request = {
    ...scenario.request,
    headers: { ...scenario.request.headers, authorization: `Bearer ${token}` },
  };
  if (scenario.kind === 'closed') return load.send(base, request, scenario.connections, seconds);
  const job = JSON.stringify({ base, request, rate: scenario.rate, seconds });
  return JSON.parse(await run(LOAD_CORE, process.execPath, [CONSTANT_RATE, job])) as Load;
}

async function measure(peer: RunningPeer, send: (seconds: number) => Promise<Load>, seconds: number) {
  await send(WARM_SECONDS);
  const before = peer.pid === null ? null : cpuMicros(peer.pid);
  const load = await send(seconds);
  const after = peer.pid === null ? null : cpuMicros(peer.pid);
  const used = before === null || after === null ? null : after - before;
  return {
    ...load,
    rate: load.calls / load.seconds,
    cpuMicros: used === null ? null : used / load.calls,
    busy: used === null ? null : used / (load.seconds * 1e6),
    residents: peer.residents(),
  };
}

async function main({ rounds, seconds, only, load }: Options): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream(join(folder, 'upstream'));
  cleanup.defer(() => upstream.stop());

  const token = randomBytes(24).toString('base64url');
  const scenarios = chosen(SCENARIOS, only);
  const peers = chosen(PEERS, only).filter((peer) => {
    if (peer.version() === null) process.stderr.write(`${peer.name} is not installed; left out\n`);
    return peer.version() !== null;
  });
  const evaluation = peers.includes(holdpoint)
    ? (JSON.parse(await run(PEER_CORE, process.execPath, [EVALUATION])) as Evaluation)
    : null;
  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const scenario of scenarios) {
      for (const peer of shuffled(peers)) {
        const own = mkdtempSync(join(folder, 'peer-'));
        const running = await peer.start({ upstream: upstream.address, token, folder: own });
        try {
          const send = (seconds: number): Promise<Load> => apply(scenario, running.base, token, seconds, load);
          const found = await measure(running, send, seconds);
          samples.push({ round, scenario: scenario.name, peer: peer.name, ...found });
          const failed = found.failures > 0 ? `  FAILED: ${found.failures} calls without a 2xx answer` : '';
          const rate = `${Math.round(found.rate)} calls/s, p99 ${found.p99.toFixed(2)} ms`;
          process.stderr.write(`round ${round}/${rounds}  ${scenario.name}  ${peer.name}: ${rate}${failed}\n`);
        } finally {
          await running.stop();
        }
      }
    }
  }

  const about: Record<string, string> = {
    ...machine(),
    upstream: upstream.version,
    load: load.version,
    ...Object.fromEntries(peers.map((peer) => [peer.name, peer.version() || 'in place'])),
  };
  const tables = scenarios.map((scenario) => summarise(scenario, peers, samples));
  const resident = samples.findLast((sample) => sample.peer === holdpoint.name)?.residents ?? [];
  const text = [
    `## Benchmark, ${new Date().toISOString().slice(0, 10)}`,
    `Medians of ${rounds} rounds of ${seconds} s; ratios are taken within a round. How: [README](../README.md).`,
    ...tables.map(toMarkdown),
    evaluation &&
      `### One decision, alone\n\np50 ${evaluation.p50.toFixed(1)} µs, p99 ${evaluation.p99.toFixed(1)} µs (${evaluation.verdict}).`,
    resident.length > 0 && '### Resident memory of Holdpoint after the last run',
    resident.map(({ process, mebibytes }) => `- ${process}: ${Math.round(mebibytes)} MiB`).join('\n'),
    '### Machine and versions',
    Object.entries(about)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
  ]
    .filter(Boolean)
    .join('\n\n');
  process.stdout.write(`${text}\n`);
  const results = new URL('results/', import.meta.url);
  mkdirSync(results, { recursive: true });
  writeFileSync(new URL('latest.md', results), `${text}\n`);
  writeFileSync(
    new URL('latest.json', results),
    `${JSON.stringify({ at: new Date().toISOString(), machine: about, rounds, seconds, tables, evaluation, samples }, null, 2)}\n`,
  );
  return samples.some((sample) => sample.failures > 0) ? 1 : 0;
}

const [subject, ...options] = process.argv.slice(2);

async function chosenBench(): Promise<number> {
  if (subject === 'holds') return (await import('./holds/holds.ts')).benchHolds(options);
  if (subject !== 'audit') return main(readOptions());
  const { values } = parseArgs({ args: options, options: { data: { type: 'string' } } });
  return (await import('./audit/audit.ts')).benchAudit(values);
}

try {
  process.exitCode = await chosenBench();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${HELP}`);
  process.exitCode = 1;
}
