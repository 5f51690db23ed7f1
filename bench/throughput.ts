import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { choose, peersOf } from './choice.ts';
import { PEER_CORE, run } from './child.ts';
import { fdatasyncMillis } from './disk.ts';
import type { Evaluation } from './evaluation.ts';
import { startEvents } from './events/upstream.ts';
import { machine } from './machine.ts';
import type { Options } from './options.ts';
import { HOLDPOINT } from './peer-names.ts';
import { PEERS } from './peers.ts';
import { opaVersion } from './peers/opa-server.ts';
import type { Peer, Scenario, Upstreams } from './plan.ts';
import { toText, writeReadmes, writeResults } from './report.ts';
import { runRounds } from './rounds.ts';
import { SCENARIOS } from './scenarios.ts';
import { failureOf, summarise } from './summary.ts';
import { startUpstream } from './upstream.ts';

const EVALUATION = fileURLToPath(new URL('evaluation.ts', import.meta.url));

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A program that a scenario needs and is missing here, or null. */
async function missing(scenario: Scenario, upstreams: Upstreams): Promise<string | null> {
  if (upstreams[scenario.upstream ?? 'answer'] === null) return 'needs openssl';
  return (scenario.systems ?? 1) > 1 && (await opaVersion()) === null ? 'needs opa' : null;
}

/** Runs what was chosen, prints and writes what was found. @returns the exit code: 1 when any run failed */
export async function benchThroughput({ rounds, seconds, only, load, whole }: Options): Promise<number> {
  const chosen = choose({ scenarios: SCENARIOS, peers: PEERS }, only);
  await using cleanup = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
  // Started by root, nginx reads its answer file as another user.
  chmodSync(folder, 0o711);
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const answer = await startUpstream(join(folder, 'upstream'));
  cleanup.defer(() => answer.stop());
  const events = await startEvents();
  cleanup.defer(() => events.stop());
  const upstreams: Upstreams = { answer, tls: answer.tls, events };

  const leftOut: string[] = [];
  const peers: Peer[] = [];
  const versions: Record<string, string> = {};
  for (const peer of chosen.peers) {
    const version = await peer.version();
    if (version === null) leftOut.push(`${peer.name}: not installed`);
    else {
      peers.push(peer);
      versions[peer.name] = version || 'in place';
    }
  }
  const scenarios: Scenario[] = [];
  for (const scenario of chosen.scenarios) {
    const why = await missing(scenario, upstreams);
    if (why !== null) leftOut.push(`${scenario.name}: ${why}`);
    else if (peersOf(scenario, peers).length > 0) scenarios.push(scenario);
  }
  for (const line of leftOut) say(`left out: ${line}`);

  const flush = fdatasyncMillis(folder);
  const evaluation = peers.some(({ name }) => name === HOLDPOINT)
    ? (JSON.parse(await run(PEER_CORE, process.execPath, [EVALUATION])) as Evaluation)
    : null;
  const token = randomBytes(24).toString('base64url');
  const found = await runRounds({ scenarios, peers, rounds, seconds, load, upstreams, token, folder, say });

  const report = {
    rounds,
    seconds,
    machine: {
      ...machine(),
      fdatasync: `p50 ${flush.p50.toFixed(2)} ms, p99 ${flush.p99.toFixed(2)} ms`,
      upstream: answer.version,
      load: load.version,
      ...versions,
    },
    tables: scenarios.map((scenario) => summarise(scenario, peersOf(scenario, peers), found.samples)),
    evaluation,
    leftOut,
    ...found,
  };
  const text = toText(report);
  process.stdout.write(`${text}\n`);
  writeResults(report, text);
  if (whole) writeReadmes(report);
  else say('The READMEs keep their figures: this was not a whole run of everything.');
  return found.broken.length > 0 || found.samples.some((sample) => failureOf(sample) !== null) ? 1 : 0;
}
