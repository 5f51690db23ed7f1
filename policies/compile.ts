import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Bundle, bundleRevision, decodeBundle, READS_ANYTHING, type Reads } from '../gateway/domain/bundle.ts';
import type { PolicyTarget } from '../gateway/domain/policy-target.ts';
import type { Opa, OpaResult } from './opa.ts';
import type { Plan } from './plan.ts';
import { PolicyError } from './policy-error.ts';
import { type Lookup, readsOf } from './reads.ts';
import {
  CAPABILITIES_ARGS,
  findIdleRules,
  findStrayPackages,
  listRules,
  mentionsUsage,
  packageOf,
  SCHEMA_ARGS,
  type Sources,
  staged,
  systemOf,
  textOf,
} from './sources.ts';
import { createStrayReads, type Entrypoint } from './stray-reads.ts';
import { findUnreadRules, readDefinitions } from './unread-rules.ts';
import { wordsOf } from './words.ts';

const DECISION = 'holdpoint/decision';
const DRIFT = 'holdpoint/drift';

/** The shipped policy, compiled, so that a first start needs no `opa`. */
export const SHIPPED_BUNDLE = join(import.meta.dirname, 'dist/bundle.json');

/** The shipped bundle if it was compiled from exactly these sources; null otherwise. */
export async function shippedBundle(sources: Sources): Promise<Bundle | null> {
  const bundle = decodeBundle(await readFile(SHIPPED_BUNDLE, 'utf8'));
  return bundle.sources === sources.digest ? bundle : null;
}

/**
 * Checks and compiles policy sources to the WASM module that decides. The same sources and version of OPA give the same
 * bytes.
 *
 * @throws PolicyError with every problem found: parse and type errors, references to input that does not exist,
 *   built-ins that the gateway lacks, rules that are never evaluated or can never match
 */
export function compilePolicies(sources: Sources, opa: Opa, target: PolicyTarget): Promise<Bundle> {
  return staged(sources, (dir) => compileStaged(sources, opa, target, dir));
}

async function compileStaged(sources: Sources, opa: Opa, target: PolicyTarget, dir: string): Promise<Bundle> {
  const [problems, built, { reads, idle }] = await Promise.all([
    opa.run(['check', '--bundle', '--strict', '--format=json', ...CAPABILITIES_ARGS, ...SCHEMA_ARGS, '.'], dir),
    buildWasm(opa, dir, entrypoints(sources)),
    readPlan(sources, opa, target, dir),
  ]);
  const told = [
    ...(problems.ok ? [] : checkProblems(problems)),
    ...findIdleRules(sources),
    ...findStrayPackages(sources, target.systems),
  ];
  // One problem of a line often causes another one there.
  const isTold = (problem: string) => told.some((known) => lineOf(known) === lineOf(problem));
  const found = [...told, ...idle.filter((problem) => !isTold(problem))];
  if (found.length > 0) throw new PolicyError(found);
  if ('problem' in built) throw new PolicyError([built.problem]);
  const rules = listRules(sources);
  return {
    revision: bundleRevision({ ...built, reads, rules }),
    ...built,
    reads,
    sources: sources.digest,
    opa: opa.version,
    rules,
    readsUsage: mentionsUsage(sources),
  };
}

/** Compiles entrypoints, written `package/name`, of the sources in a folder. */
export async function buildWasm(
  opa: Opa,
  dir: string,
  entries: readonly string[],
): Promise<{ wasm: Uint8Array; data: string } | { problem: string }> {
  const files = await build(opa, dir, 'wasm', entries);
  if ('problem' in files) return files;
  const wasm = files.get('/policy.wasm');
  if (!wasm) throw new Error('opa build returned no policy.wasm');
  return { wasm: new Uint8Array(wasm), data: files.get('/data.json')?.toString().trim() ?? '{}' };
}

/**
 * The members of the input that decisions read, and rules that have no effect. Sources that do not compile read
 * anything; `buildWasm` reports why.
 */
async function readPlan(
  sources: Sources,
  opa: Opa,
  target: PolicyTarget,
  dir: string,
): Promise<{ readonly reads: Reads; readonly idle: readonly string[] }> {
  const entries = entrypoints(sources);
  const [files, definitions] = await Promise.all([
    build(opa, dir, 'plan', entries),
    readDefinitions(sources, opa, join(dir, '..')),
  ]);
  const text = 'problem' in files ? undefined : files.get('/plan.json');
  if ('problem' in files || !text) return { reads: READS_ANYTHING, idle: [] };
  const plan = JSON.parse(text.toString()) as Plan;
  const stray = createStrayReads(target, (file) => systemOfFile(sources, file));
  const visit = (entrypoint: Entrypoint) => (lookup: Lookup) => stray.visit(lookup, entrypoint);
  const trees = await readsOf(plan, DECISION, visit('decision'));
  if (entries.includes(DRIFT)) await readsOf(plan, DRIFT, visit('drift'));
  const words = wordsOf(plan, files.get('/data.json')?.toString() ?? '{}');
  return { reads: { ...trees, words }, idle: [...findUnreadRules(definitions, plan, sources), ...stray.found] };
}

/** The system that the rules of a file are for; null if they are for several. */
function systemOfFile(sources: Sources, file: string): string | null {
  const bytes = sources.files.get(file);
  const system = bytes ? systemOf(packageOf(textOf(bytes)) ?? '') : null;
  return system === 'all' ? null : system;
}

/** `rules/crm.rego:3` */
function lineOf(problem: string): string {
  return /^.*?:\d+/.exec(problem)?.[0] ?? problem;
}

async function build(
  opa: Opa,
  dir: string,
  target: 'wasm' | 'plan',
  entries: readonly string[],
): Promise<Map<string, Buffer> | { problem: string }> {
  const output = join(dir, '..', `${randomUUID()}.tar.gz`);
  const named = entries.flatMap((entry) => ['--entrypoint', entry]);
  const result = await opa.run(
    ['build', '--bundle', `--target=${target}`, ...named, ...CAPABILITIES_ARGS, `--output=${output}`, '.'],
    dir,
  );
  return result.ok ? untar(gunzipSync(await readFile(output))) : { problem: tidy(result.stderr) };
}

function entrypoints(sources: Sources): string[] {
  const masks = [...sources.files].some(
    ([path, bytes]) => path.endsWith('.rego') && packageOf(textOf(bytes)) === 'system.log',
  );
  const drifts = listRules(sources).some(({ verdict }) => verdict === 'drift');
  return [DECISION, ...(drifts ? [DRIFT] : []), ...(masks ? ['system/log/mask'] : [])];
}

type CheckOutput = {
  readonly errors?: readonly {
    readonly message: string;
    readonly location?: { readonly file: string; readonly row: number };
    readonly details?: unknown;
  }[];
};

function checkProblems({ stdout, stderr }: OpaResult): string[] {
  const text = stdout.trim() || stderr.trim();
  let output: CheckOutput;
  try {
    output = JSON.parse(text) as CheckOutput;
  } catch {
    return [tidy(text)];
  }
  return (output.errors ?? []).map(({ message, location, details }) => {
    const place = location?.file ? `${location.file}:${location.row}: ` : '';
    return `${place}${tidy(message)}${wanted(details)}`;
  });
}

/** For a wrong reference, OPA lists the names it knows. */
function wanted(details: unknown): string {
  const { oneOf } = (details ?? {}) as { oneOf?: unknown };
  return Array.isArray(oneOf) ? ` (there is ${oneOf.join(', ')})` : '';
}

function tidy(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/^(?:bundle \.: )?(?:load error: )?\d+ errors? occurred(?: during loading)?:\s*/, '');
}

/** The files of a tar archive (POSIX ustar) as OPA writes it: plain files with short names. */
function untar(archive: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const header = archive.subarray(at, at + 512);
    const name = header.toString('utf8', 0, header.indexOf(0));
    const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
    files.set(name, archive.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}
