import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { compilePolicies, shippedBundle } from '../../policies/compile.ts';
import { findOpa, type FindOpaOptions, type Opa } from '../../policies/opa.ts';
import { runTests } from '../../policies/run-tests.ts';
import { readSources } from '../../policies/sources.ts';
import { ConfigError, loadConfig, toolEnvironment } from '../config/config.ts';
import { createEvaluator } from '../decide/evaluator.ts';
import { encodeBundle } from '../domain/bundle.ts';
import type { PolicyTarget } from '../domain/policy-target.ts';
import { createPolicyTarget } from '../agents/policy-target.ts';
import { CommandFailed, defineCommand, type Command } from './command.ts';
import { CONFIG, UsageError } from './options.ts';
import type { Terminal } from './terminal.ts';

/** Where `opa` is looked for, and kept when it had to be built. */
export type Tools = Pick<FindOpaOptions, 'env' | 'cacheDir'>;

const DEFAULT_FOLDER = 'policies';
const FOLDER = { parameters: ['[FOLDER]'], notes: [`FOLDER is where the Rego is (default: ${DEFAULT_FOLDER}).`] };
const FOR_CONFIG = {
  value: 'FILE',
  help: `configuration with the systems that the rules are for (default: ${CONFIG.default}, if its policies are in FOLDER)`,
} as const;

/** `policy`: the authoring loop. */
export function createPolicyCommand(tools: Tools): Command {
  const check = defineCommand({
    ...FOLDER,
    options: { config: FOR_CONFIG },
    async run({ args: [given], values, terminal }) {
      const { folder, target, unchecked } = findTarget(given, values.config);
      const isShipped = await checkPolicies(folder, target, tools, terminal);
      if (!isShipped) terminal.err(unchecked);
      return 0;
    },
  });

  const test = defineCommand({
    ...FOLDER,
    async run({ args: [folder = DEFAULT_FOLDER], terminal }) {
      const sources = await readSources(folder);
      const { passed, failures } = await runTests(sources, await opaFrom(tools, terminal), createEvaluator);
      for (const failure of failures) terminal.out(`${failure}\n`);
      terminal.out(`${passed} passed, ${failures.length} failed\n`);
      return failures.length === 0 ? 0 : 1;
    },
  });

  const build = defineCommand({
    ...FOLDER,
    options: {
      config: FOR_CONFIG,
      output: { short: 'o', value: 'FILE', help: 'the bundle to write (default: FOLDER/dist/bundle.json)' },
    },
    async run({ args: [given], values, terminal }) {
      const { folder, target, unchecked } = findTarget(given, values.config);
      terminal.err(unchecked);
      const { output = join(folder, 'dist/bundle.json') } = values;
      const sources = await readSources(folder);
      // A bundle that others will compare must come from the one version whose bytes are known.
      const bundle = await compilePolicies(sources, await opaFrom(tools, terminal, { exact: true }), target);
      await mkdir(dirname(output), { recursive: true });
      await writeFile(output, encodeBundle(bundle));
      terminal.out(`${output}: revision ${bundle.revision}\n`);
      return 0;
    },
  });

  const fmt = defineCommand({
    ...FOLDER,
    options: {
      write: { short: 'w', help: 'rewrite these files' },
      check: { help: 'only list them (the default)' },
    },
    async run({ args: [folder = DEFAULT_FOLDER], values: { write, check }, terminal }) {
      if (write && check) throw new UsageError('Pass --check or --write, not both.');
      const { own, dir } = await readSources(folder);
      const opa = await opaFrom(tools, terminal);
      const files = [...own].filter((path) => path.endsWith('.rego'));
      if (files.length === 0) return 0;
      // Listing and rewriting exclude each other.
      const listed = await opa.run(['fmt', '--list', ...files], dir);
      const written = listed.ok && write ? await opa.run(['fmt', '--write', ...files], dir) : listed;
      if (!written.ok) throw new CommandFailed(written.stderr.trimEnd());
      terminal.out(listed.stdout);
      return write || listed.stdout === '' ? 0 : 1;
    },
  });

  return defineCommand({
    commands: {
      check: ['parse, type-check against the input and compile; report every problem', () => check],
      test: ['run the tests (test_… in *_test.rego) in OPA and in the WASM that decides', () => test],
      build: ['compile to one file', () => build],
      fmt: ['list the files that are not in the standard format, or rewrite them', () => fmt],
    },
    notes: ['OPA is found in $OPA, on PATH or in the cache, or is built once with Go.'],
  });
}

export const policy = createPolicyCommand(toolEnvironment());

/**
 * Says that a folder of policies is fine.
 * @returns whether these are the shipped policies, which are not checked against a configuration
 * @throws PolicyError with every problem otherwise
 */
export async function checkPolicies(
  folder: string,
  target: PolicyTarget,
  tools: Tools,
  terminal: Terminal,
): Promise<boolean> {
  const sources = await readSources(folder);
  // What is shipped was checked when it was compiled; checking it needs no `opa`.
  const shipped = await shippedBundle(sources);
  const bundle = shipped ?? (await compilePolicies(sources, await opaFrom(tools, terminal), target));
  const packages = new Set(bundle.rules.map((rule) => rule.package));
  terminal.out(
    `${sources.dir} is fine: ${count(bundle.rules.length, 'rule')} in ${count(packages.size, 'package')}.\n`,
  );
  return shipped !== null;
}

/**
 * The folder of policies and the gateway that they are for. Without `--config`, that is the configuration in this
 * folder if it names the policies; else it is said what cannot be checked.
 */
function findTarget(
  given: string | undefined,
  config: string | undefined,
): { readonly folder: string; readonly target: PolicyTarget; readonly unchecked: string } {
  if (config !== undefined) {
    const { systems, policies } = loadConfig(config);
    return { folder: given ?? policies, target: createPolicyTarget(systems), unchecked: '' };
  }
  const folder = given ?? DEFAULT_FOLDER;
  let why: string;
  try {
    const { systems, policies } = loadConfig(CONFIG.default);
    if (policies === resolve(folder)) return { folder, target: createPolicyTarget(systems), unchecked: '' };
    why = `The policies of ${CONFIG.default} are in ${policies}`;
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    why = cause.message;
  }
  why = why.replace(/\.?(?: Pass --config FILE\.)?$/, '');
  const unchecked = `Not checked: whether the systems of the rules exist. ${why}. Pass --config FILE.\n`;
  return { folder, target: createPolicyTarget(null), unchecked };
}

async function opaFrom(tools: Tools, terminal: Terminal, { exact = false } = {}): Promise<Opa> {
  try {
    return await findOpa({ ...tools, exact, say: (text) => terminal.err(`${text}\n`) });
  } catch (cause) {
    throw new CommandFailed((cause as Error).message, { cause });
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
