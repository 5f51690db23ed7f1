import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { peersOf } from './choice.ts';
import type { Choice } from './choice.ts';
import { LOAD_CORE, run } from './child.ts';
import { saturation } from './loads/closed.ts';
import type { ClosedLoad } from './loads/closed.ts';
import type { Address, BenchRequest, Load, Peer, RunningPeer, Sample, Scenario, Upstreams } from './plan.ts';
import { cpuMicros } from './proc.ts';
import { remaining } from './remaining.ts';
import { failureOf } from './summary.ts';

/** Before each measured run: enough for a just-in-time compiler to have done most of its work. */
const WARM_SECONDS = 4;
const CONSTANT_RATE = fileURLToPath(new URL('loads/constant-rate.ts', import.meta.url));
const EVENTS = fileURLToPath(new URL('events/load.ts', import.meta.url));
const CANCELLATIONS = fileURLToPath(new URL('events/cancellations.ts', import.meta.url));

export type Bench = Choice & {
  readonly rounds: number;
  readonly seconds: number;
  readonly load: ClosedLoad;
  readonly upstreams: Upstreams;
  readonly token: string;
  /** A folder for what peers write; the caller removes it. */
  readonly folder: string;
  readonly say: (line: string) => void;
};

export type Found = {
  readonly samples: readonly Sample[];
  /** Runs that gave no sample, each with the reason. */
  readonly broken: readonly string[];
};

/** Runs every scenario with every peer that it is for, in each round in a new order. A run that breaks stops no other. */
export async function runRounds(bench: Bench): Promise<Found> {
  const { rounds, scenarios, peers, say } = bench;
  const samples: Sample[] = [];
  const broken: string[] = [];
  const left = remaining(rounds * scenarios.reduce((sum, scenario) => sum + peersOf(scenario, peers).length, 0));
  for (let round = 1; round <= rounds; round += 1) {
    for (const scenario of scenarios) {
      for (const peer of shuffled(peersOf(scenario, peers))) {
        const name = `round ${round}, ${scenario.name}, ${peer.name}`;
        try {
          const sample = await runOnce(bench, round, scenario, peer, samples);
          samples.push(sample);
          const failure = failureOf(sample);
          const found = `${Math.round(sample.rate)}/s, p99 ${sample.p99.toFixed(2)} ms`;
          say(`${left()}  ${name}: ${found}${failure ? `  FAILED: ${failure}` : ''}`);
        } catch (reason) {
          broken.push(`${name}: ${(reason as Error).message}`);
          say(`${left()}  ${name}: BROKEN: ${(reason as Error).message}`);
        }
      }
    }
  }
  return { samples, broken };
}

async function runOnce(
  bench: Bench,
  round: number,
  scenario: Scenario,
  peer: Peer,
  samples: readonly Sample[],
): Promise<Sample> {
  const { address, authority }: Address = bench.upstreams[scenario.upstream ?? 'answer']!;
  const rate = rateOf(scenario, (name) =>
    samples.find((one) => one.round === round && one.scenario === name && one.peer === peer.name),
  );
  const running = await peer.start({
    upstream: address,
    authority,
    systems: scenario.systems,
    routes: scenario.routes,
    system: scenario.system,
    token: bench.token,
    folder: mkdtempSync(join(bench.folder, 'peer-')),
  });
  try {
    const send = (seconds: number): Promise<Load> => apply(bench, scenario, rate, running.base, seconds);
    await send(WARM_SECONDS);
    const measured = () => measure(running, () => send(bench.seconds));
    const isAlone = scenario.kind === 'open' && scenario.alone === true;
    const found = isAlone ? await whileOthersStandStill(running, measured) : await measured();
    return { round, scenario: scenario.name, peer: peer.name, ...found };
  } finally {
    await running.stop();
  }
}

/** Calls, or events on a stream, in a second; null in a closed loop. */
function rateOf(scenario: Scenario, earlier: (name: string) => Sample | undefined): number | null {
  if (scenario.kind === 'closed' || scenario.kind === 'cancelled') return null;
  if (scenario.kind !== 'half') return scenario.rate;
  const saturation = earlier(scenario.of);
  if (!saturation || failureOf(saturation)) throw new Error(`“${scenario.of}” gave no rate to take half of`);
  return Math.round(saturation.rate / 2);
}

/** Runs the load of a scenario once. */
export async function apply(
  { load, token }: Pick<Bench, 'load' | 'token'>,
  scenario: Scenario,
  rate: number | null,
  base: string,
  seconds: number,
): Promise<Load> {
  const caller = { ...scenario.request.headers, authorization: `Bearer ${token}` };
  const session = scenario.inSession ? await openSession(base + scenario.request.path, caller) : {};
  const headers = { ...caller, ...session };
  const request: BenchRequest = { ...scenario.request, headers };
  if (scenario.kind === 'closed') return load.send(base, request, scenario.connections, seconds);
  const [program, more] = programOf(scenario);
  const job = JSON.stringify({ base, request, rate, seconds, ...more });
  return JSON.parse(await run(LOAD_CORE, process.execPath, [program], job)) as Load;
}

function programOf(scenario: Exclude<Scenario, { kind: 'closed' }>): readonly [string, object] {
  if (scenario.kind === 'events') return [EVENTS, { streams: scenario.streams }];
  return scenario.kind === 'cancelled' ? [CANCELLATIONS, { callers: scenario.callers }] : [CONSTANT_RATE, {}];
}

/** The header of a new session of MCP. @throws Error if the server begins none */
async function openSession(url: string, headers: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const answer = await fetch(url, { method: 'POST', headers, body });
  await answer.arrayBuffer();
  const id = answer.headers.get('mcp-session-id');
  if (!answer.ok || id === null) throw new Error(`no session was begun: ${answer.status}`);
  return { 'mcp-session-id': id };
}

type Measured = Omit<Sample, 'round' | 'scenario' | 'peer'>;

/** Lets `send` run, and looks at what the peer used meanwhile. */
export async function measure(peer: RunningPeer, send: () => Promise<Load>): Promise<Measured> {
  const own = peer.pid === null ? [] : [peer.pid, ...(peer.helpers ?? [])];
  const others = peer.elsewhere?.() ?? [];
  const before = [usedBy(own), usedBy(others)] as const;
  const load = await send();
  const used = since(before[0], usedBy(own));
  const elsewhere = since(before[1], usedBy(others));
  const busy = used === null ? null : used / (load.seconds * 1e6);
  return {
    ...load,
    saturated: load.saturated ?? saturation(load, busy),
    rate: load.calls / load.seconds,
    cpuMicros: used === null ? null : used / load.calls,
    elsewhereMicros: elsewhere === null ? null : elsewhere / load.calls,
    busy,
    residents: peer.residents(),
  };
}

/** Stops the processes of a peer that handle no calls, and lets them go on afterwards. */
async function whileOthersStandStill<T>(peer: RunningPeer, run: () => Promise<T>): Promise<T> {
  const others = peer.elsewhere?.() ?? [];
  for (const pid of others) process.kill(pid, 'SIGSTOP');
  try {
    return await run();
  } finally {
    for (const pid of others) process.kill(pid, 'SIGCONT');
  }
}

/** CPU of all these processes together; null when there are none or it cannot be told. */
function usedBy(pids: readonly number[]): number | null {
  const all = pids.map(cpuMicros);
  return all.length === 0 || all.includes(null) ? null : all.reduce<number>((sum, one) => sum + one!, 0);
}

function since(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : after - before;
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
