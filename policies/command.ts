import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Bundle, encodeBundle } from '../gateway/domain/bundle.ts';
import { compilePolicies, shippedBundle } from './compile.ts';
import { findOpa, type Opa } from './opa.ts';
import { PolicyError } from './policy-error.ts';
import { type LoadPolicy, runTests, type TestReport } from './run-tests.ts';
import { readSources, type Sources } from './sources.ts';

const HELP = `holdpoint policy <command> [folder]     (folder: where the Rego is; default ./policies)

  check   parse, type-check against the input, compile; report every problem
  test    run the tests (test_… rules in *_test.rego) in OPA and in the WASM that decides
  build   compile to one file      --output FILE   (default <folder>/dist/bundle.json)
  fmt     list files that are not in the standard format
                                   --write         rewrite them
                                   --check         only list (the default)

OPA is found in $OPA, on PATH or in the cache, or built once with Go.
`;

export type PolicyCommandDeps = {
  /** Loads compiled tests: the gateway's evaluator. */
  readonly createEvaluator: LoadPolicy;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where an `opa` that had to be built is kept. */
  readonly cacheDir: string;
  readonly out?: (text: string) => void;
  /** Progress and problems. */
  readonly err?: (text: string) => void;
};

/**
 * `holdpoint policy …`: the authoring loop.
 * @returns the exit code: 0 when all is well, 1 when the policy has problems, 2 when the command was misused.
 */
export async function runPolicyCommand(args: readonly string[], deps: PolicyCommandDeps): Promise<number> {
  const { out = (text) => process.stdout.write(text), err = (text) => process.stderr.write(text) } = deps;
  const parsed = parseCommand(args);
  if (parsed === 'help') {
    out(HELP);
    return 0;
  }
  if (typeof parsed === 'string') {
    err(`${parsed}\n\n${HELP}`);
    return 2;
  }
  const { command, folder, output, write } = parsed;
  try {
    const sources = await readSources(folder);
    // What is shipped was checked when it was compiled; checking it needs no `opa`.
    const checked = command === 'check' ? await shippedBundle(sources) : null;
    if (checked) return reportChecked(sources, checked, out);
    // A bundle that others will compare must come from the one version whose bytes are known.
    const exact = command === 'build';
    const opa = await findOpa({ env: deps.env, cacheDir: deps.cacheDir, exact, say: (text) => err(`${text}\n`) });
    switch (command) {
      case 'check':
        return reportChecked(sources, await compilePolicies(sources, opa), out);
      case 'test':
        return reportTests(await runTests(sources, opa, deps.createEvaluator), out);
      case 'build':
        return await build(sources, opa, output ?? join(folder, 'dist/bundle.json'), out);
      case 'fmt':
        return await format(sources, opa, write, out, err);
    }
  } catch (cause) {
    if (cause instanceof PolicyError) {
      for (const problem of cause.problems) err(`${problem}\n`);
    } else {
      err(`${(cause as Error).message}\n`);
    }
    return 1;
  }
}

const COMMANDS = ['check', 'test', 'build', 'fmt'] as const;
type Command = {
  readonly command: (typeof COMMANDS)[number];
  readonly folder: string;
  readonly output: string | undefined;
  readonly write: boolean;
};

/** The command, or what is wrong with it. */
function parseCommand(args: readonly string[]): Command | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        output: { type: 'string', short: 'o' },
        check: { type: 'boolean' },
        write: { type: 'boolean', short: 'w' },
      },
    });
    const [name, folder = 'policies', ...rest] = positionals;
    if (values.help || name === 'help' || name === undefined) return 'help';
    const command = COMMANDS.find((known) => known === name);
    if (!command) return `There is no policy command "${name}".`;
    if (rest.length > 0) return `One folder is enough: ${rest.join(' ')} is too much.`;
    if (values.output !== undefined && command !== 'build') return '--output belongs to build.';
    if ((values.check || values.write) && command !== 'fmt') return '--check and --write belong to fmt.';
    if (values.check && values.write) return '--check or --write, not both.';
    return { command, folder, output: values.output, write: values.write === true };
  } catch (cause) {
    return (cause as Error).message;
  }
}

function reportChecked(sources: Sources, { rules }: Bundle, out: (text: string) => void): number {
  const packages = new Set(rules.map((rule) => rule.package));
  out(`${sources.dir} is fine: ${count(rules.length, 'rule')} in ${count(packages.size, 'package')}.\n`);
  return 0;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function reportTests({ passed, failures }: TestReport, out: (text: string) => void): number {
  for (const failure of failures) out(`${failure}\n`);
  out(`${passed} passed, ${failures.length} failed\n`);
  return failures.length === 0 ? 0 : 1;
}

async function build(sources: Sources, opa: Opa, output: string, out: (text: string) => void): Promise<number> {
  const bundle = await compilePolicies(sources, opa);
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, encodeBundle(bundle));
  out(`${output}: revision ${bundle.revision}\n`);
  return 0;
}

async function format(
  sources: Sources,
  opa: Opa,
  write: boolean,
  out: (text: string) => void,
  err: (text: string) => void,
): Promise<number> {
  const files = [...sources.own].filter((path) => path.endsWith('.rego'));
  if (files.length === 0) return 0;
  // Listing and rewriting exclude each other.
  const listed = await opa.run(['fmt', '--list', ...files], sources.dir);
  const written = listed.ok && write ? await opa.run(['fmt', '--write', ...files], sources.dir) : listed;
  if (!written.ok) {
    err(written.stderr);
    return 1;
  }
  out(listed.stdout);
  return write || listed.stdout === '' ? 0 : 1;
}
