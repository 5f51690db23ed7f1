import { createHash, hash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RuleSource } from '../gateway/domain/bundle.ts';
import { nearest } from '../gateway/domain/nearest.ts';
import { OPA_VERSION } from './opa.ts';
import { PolicyError } from './policy-error.ts';

/** The policies shipped with Holdpoint, and the files that every policy is compiled with. */
const SHIPPED = import.meta.dirname;
const DECISION = 'holdpoint/decision.rego';
const CAPABILITIES = 'capabilities.json';
const SCHEMA = 'input.schema.json';
/** What finds problems, and what decisions read. */
const CHECKS = ['reads.ts', 'sources.ts', 'stray-reads.ts', 'unread-rules.ts', 'words.ts'];

/** A snapshot of the policy sources: later changes to the folder do not affect it. */
export type Sources = {
  /** The folder they were read from, for messages. */
  readonly dir: string;
  /** Contents by path relative to the folder, with `/`, in order, including Holdpoint's own decision. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The paths that are in the folder itself. */
  readonly own: readonly string[];
  /** SHA-256 (hex) over everything that the compiled bundle depends on. */
  readonly digest: string;
  /** SHA-256 (hex) over the same and the tests. */
  readonly identity: string;
};

/**
 * Reads a policy folder: every `.rego` file in it, and `data.json` or `data.yaml` files, which become `data.<folders>`.
 * Hidden files and folders are left out. Holdpoint adds its own `holdpoint/decision`.
 *
 * @throws PolicyError when the folder cannot be read
 */
export async function readSources(dir: string): Promise<Sources> {
  const found = new Map<string, Buffer>();
  try {
    await collect(dir, '', found);
  } catch (cause) {
    throw new PolicyError([`${dir}: cannot be read (${(cause as Error).message})`]);
  }
  const own = [...found.keys()].sort();
  found.set(DECISION, await readFile(join(SHIPPED, DECISION)));
  const files = new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
  const capabilities = await readFile(join(SHIPPED, CAPABILITIES));
  // Another version of the gateway may have found fewer reads or problems, so a bundle that it stored must not be
  // reused.
  const checks = await Promise.all([SCHEMA, ...CHECKS].map((name) => readFile(join(SHIPPED, name))));
  const digestOf = (paths: Iterable<readonly [string, Buffer]>) => {
    const hash = createHash('sha256').update(`opa ${OPA_VERSION}\n`).update(capabilities);
    for (const bytes of checks) hash.update(bytes);
    for (const [path, bytes] of paths) hash.update(`${path}\0${bytes.byteLength}\n`).update(bytes);
    return hash.digest('hex');
  };
  const compiled = [...files].filter(([path]) => !isTest(path));
  return { dir, files, own, digest: digestOf(compiled), identity: digestOf(files) };
}

async function collect(root: string, folder: string, found: Map<string, Buffer>): Promise<void> {
  for (const name of await readdir(join(root, folder))) {
    if (name.startsWith('.') || name === 'node_modules') continue;
    const path = folder === '' ? name : `${folder}/${name}`;
    try {
      // Links are followed, because mounted configuration consists of them.
      if ((await stat(join(root, path))).isDirectory()) await collect(root, path, found);
      else if (isSource(name)) found.set(path, await readFile(join(root, path)));
    } catch (cause) {
      // Editors create short-lived files, and dangling links as locks.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    }
  }
}

function isSource(name: string): boolean {
  return name.endsWith('.rego') || /^data\.(?:json|ya?ml)$/.test(name);
}

export function isTest(path: string): boolean {
  return path.endsWith('_test.rego');
}

/** Whether the sources have tests of their own, besides those of Holdpoint's decision. */
export function hasTests(sources: Sources): boolean {
  return [...sources.files.keys()].some((path) => isTest(path) && !path.startsWith('holdpoint/'));
}

/**
 * Calls `use` with a temporary folder in which `opa` sees exactly these sources, under relative paths. Its parent
 * folder has room for output.
 */
export async function staged<T>(sources: Sources, use: (dir: string) => Promise<T>): Promise<T> {
  const room = await mkdtemp(join(tmpdir(), 'holdpoint-policies-'));
  const dir = join(room, 'policies');
  try {
    for (const [path, bytes] of sources.files) {
      await mkdir(join(dir, dirname(path)), { recursive: true });
      await writeFile(join(dir, path), bytes);
    }
    return await use(dir);
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

/** What `opa` needs to know about the gateway: its built-ins and the shape of the input. */
export const CAPABILITIES_ARGS = ['--capabilities', join(SHIPPED, CAPABILITIES)] as const;
export const SCHEMA_ARGS = ['--schema', join(SHIPPED, SCHEMA)] as const;

const PACKAGE = /^[ \t]*package\s+(.+?)\s*(?:#.*)?$/m;

/** The text of a source. A byte order mark is no part of it, as in OPA. */
export function textOf(bytes: Buffer): string {
  return bytes.toString().replace(/^\uFEFF/, '');
}

/** The package that a file declares, without quotes: `rules.my-crm` for `package rules["my-crm"]`. */
export function packageOf(text: string): string | null {
  return PACKAGE.exec(text)?.[1]?.replaceAll(/\["([^"]+)"\]/g, '.$1') ?? null;
}

/** The sets that a rule may add to: a verdict on a call, or drift in its answer. */
export const GIVES = ['allow', 'hold', 'block', 'drift'] as const satisfies readonly RuleSource['verdict'][];

/** The rules that give a verdict or drift, with their places and names. */
export function listRules(sources: Sources): RuleSource[] {
  return heads(sources).flatMap(({ verdict, ...rule }) => {
    const given = GIVES.find((known) => known === verdict);
    return given ? [{ ...rule, verdict: given }] : [];
  });
}

/**
 * Whether a rule may read `input.usage`: whether a file contains the word. A policy that walks the whole input without
 * naming it finds no usage.
 */
export function mentionsUsage({ files }: Sources): boolean {
  return [...files].some(([path, bytes]) => path.endsWith('.rego') && !isTest(path) && /\busage\b/.test(textOf(bytes)));
}

/** Why a verdict in another package has no effect. */
export function neverAsked(packageName: string): string {
  return `a rule in package ${packageName} is never asked: verdicts belong in package rules.<system> or rules.all`;
}

/** Every set entry that names a rule, in whatever set and package. */
export function listEntries(sources: Sources): { readonly file: string; readonly line: number }[] {
  return heads(sources).filter(({ rule }) => rule !== null);
}

/** Mistakes that compile but leave a rule without effect. */
export function findIdleRules(sources: Sources): string[] {
  const problems: string[] = [];
  for (const { package: name, verdict, file, line } of heads(sources)) {
    if (GIVES.some((known) => known === verdict) && !/^rules\.[^.]+$/.test(name))
      problems.push(`${file}:${line}: ${neverAsked(name)}`);
  }
  for (const [path, bytes] of sources.files) {
    if (path === DECISION || !path.endsWith('.rego') || isTest(path)) continue;
    const text = textOf(bytes);
    const name = packageOf(text) ?? '';
    if (name === 'holdpoint')
      problems.push(
        `${path}:1: package holdpoint is Holdpoint's own; put rules in package rules.<system> or rules.all`,
      );
    // OPA 1.22: a single `x[key] := …` here, and its WASM module no longer finds the rules of any system.
    if (name === 'rules')
      problems.push(
        `${path}:1: put rules in package rules.<system> or rules.all, and what they share in another package`,
      );
    if (!name.startsWith('rules.')) continue;
    for (const { 1: verdict, index } of text.matchAll(
      /^[ \t]*(?:default\s+)?(allow|hold|block|drift)\b(?!\s+contains\b)/gm,
    ))
      problems.push(
        `${path}:${lineAt(text, index)}: write \`${verdict} contains {"rule": "…"} if …\`: each verdict is a set of named rules`,
      );
  }
  return problems;
}

/** The shipped rules for one system each, by SHA-256 (hex). Unchanged, they are examples, and need no such system. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  'rules/github.rego': 'e006d39db153418064610ec8c77dc2f4db61043be7b4232503336b65b45193c0',
  'rules/ledger.rego': 'd7e1a440402bbb566bf68b1da76bd309437f364cccbfb236aa2ae5b6e7119f2e',
  'rules/payments.rego': '6c4c7cff19c9d8314841e75cfd0503335b5c3cd5aacaf9931082b2d64f3e9daa',
  'rules/warehouse.rego': '6eaad9ce76c62c4522d8d1e9777c03ce819304363af674df117c028ca72971db',
};

/** Problems of packages that give verdicts for a system that does not exist. Without a configuration, names may be wrong. */
export function findStrayPackages(sources: Sources, systems: readonly string[] | null): string[] {
  const problems = new Map<string, string>();
  for (const { package: name, file } of listRules(sources)) {
    const system = systemOf(name);
    if (system === null || system === 'all' || systems?.includes(system)) continue;
    const bytes = sources.files.get(file)!;
    if (EXAMPLES[file] === hash('sha256', bytes)) continue;
    const lower = system.toLowerCase();
    if (!systems && lower === system) continue;
    const meant = systems
      ? ([...systems, 'all'].find((known) => known.toLowerCase() === lower) ?? nearest(system, [...systems, 'all']))
      : lower;
    const reason = systems
      ? `there is no system "${system}" in the configuration`
      : 'names of systems are in lower case';
    const question = meant === undefined ? '' : `. Did you mean ${packageNameOf(meant)}?`;
    const text = textOf(bytes);
    problems.set(
      file,
      `${file}:${lineAt(text, PACKAGE.exec(text)?.index ?? 0)}: package ${packageNameOf(system)} is never asked: ${reason}${question}`,
    );
  }
  return [...problems.values()];
}

/** The system that a package gives verdicts for; null if it is no package of rules. */
export function systemOf(packageName: string): string | null {
  return /^rules\.([^.]+)$/.exec(packageName)?.[1] ?? null;
}

function packageNameOf(system: string): string {
  return /^[a-z_]\w*$/i.test(system) ? `rules.${system}` : `rules["${system}"]`;
}

/** The line on which a file first defines a rule. */
export function lineOfRule(sources: Sources, file: string, name: string): number {
  const text = textOf(sources.files.get(file)!);
  const head = new RegExp(`^[ \\t]*(?:default\\s+)?${name}\\b`, 'm').exec(text);
  return lineAt(text, head?.index ?? 0);
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

type Head = Omit<RuleSource, 'verdict'> & { readonly verdict: string };

/** An entry with its name, alone or added to shared terms: `object.union(terms, {"rule": "…"})`. */
const ENTRY = /^(?:object\.union\(\s*[\w.]+,\s*)?\{[^}]*?"rule":\s*"([^"]+)"/;

const knownHeads = new WeakMap<Sources, Head[]>();

/** Every `<word> contains {…}` outside tests, with the rule name in its entry. */
function heads(sources: Sources): Head[] {
  return knownHeads.getOrInsertComputed(sources, findHeads);
}

function findHeads({ files }: Sources): Head[] {
  const found: Head[] = [];
  for (const [file, bytes] of files) {
    if (!file.endsWith('.rego') || isTest(file)) continue;
    const text = textOf(bytes);
    const name = packageOf(text) ?? '';
    const matches = [...text.matchAll(/^[ \t]*(\w+)\s+contains\s+(?=\S)/gm)];
    matches.forEach((match, index) => {
      const entry = text.slice(match.index + match[0].length, matches[index + 1]?.index);
      found.push({
        package: name,
        verdict: match[1]!,
        rule: ENTRY.exec(entry)?.[1] ?? null,
        file,
        line: lineAt(text, match.index),
        ...toolsOf(entry, text),
      });
    });
  }
  return found;
}

/** Conditions that hold for some tools alone, each a whole line of a body or a body of one condition. */
const ONE_TOOL = /(?:^|[{;]|\bif)[ \t]*input\.action\.(?:tool|operation) == "([^"\\]+)"[ \t]*(?:$|[;}#])/m;
const SOME_TOOLS = /(?:^|[{;]|\bif)[ \t]*input\.action\.(?:tool|operation) in \{([^}]*)\}[ \t]*(?:$|[;}#])/m;
/** Where a rule ends: at a line that begins with something else than a bracket or a comment. */
const NEXT_RULE = /\n(?=[^\s}#])/;

/** The tools to which an entry is limited, as far as its text says so, or that of a rule that it names. */
function toolsOf(entry: string, file: string): Pick<RuleSource, 'tools'> {
  const [own = ''] = entry.split(NEXT_RULE, 1);
  const direct = toolsIn(own);
  if (direct) return { tools: direct };
  for (const name of new Set(own.match(/\b[a-z_]\w*/g))) {
    const from = file.search(new RegExp(`^${name}(?: :=[^\\n]*)? if\\b`, 'm'));
    const named = from === -1 ? null : toolsIn(file.slice(from).split(NEXT_RULE, 1)[0]!);
    if (named) return { tools: named };
  }
  return {};
}

function toolsIn(body: string): string[] | null {
  const one = ONE_TOOL.exec(body)?.[1];
  if (one !== undefined) return [one];
  const some = SOME_TOOLS.exec(body)?.[1];
  return some === undefined ? null : [...some.matchAll(/"([^"\\]+)"/g)].map(([, tool]) => tool!);
}
