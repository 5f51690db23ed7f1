import type { Bundle } from '../gateway/domain/bundle.ts';
import { bundleRevision, READS_ANYTHING } from '../gateway/domain/bundle.ts';
import { buildWasm } from './compile.ts';
import type { Opa } from './opa.ts';
import { PolicyError } from './policy-error.ts';
import { CAPABILITIES_ARGS, packageOf, type Sources, SCHEMA_ARGS, staged, textOf } from './sources.ts';

/** Loads a compiled policy and evaluates its entrypoints: the gateway's evaluator. */
export type LoadPolicy = (bundle: Bundle) => { evaluate(entrypoint: string, input: string): unknown };

export type TestReport = {
  readonly passed: number;
  /** One line for each test that failed in OPA, in WASM, or in only one of them. */
  readonly failures: readonly string[];
};

/**
 * Runs every test twice: with `opa test`, and compiled to the WASM that decides. The two can differ, and only the WASM
 * protects anything.
 *
 * @throws PolicyError when the tests cannot be compiled
 */
export function runTests(sources: Sources, opa: Opa, load: LoadPolicy): Promise<TestReport> {
  return staged(sources, async (dir) => {
    const args = ['test', '--bundle', '--format=json', ...CAPABILITIES_ARGS, ...SCHEMA_ARGS, '.'];
    const foreseen = findTests(sources);
    // In parallel, because the author who saved a policy waits for it.
    const [{ stdout, stderr }, early] = await Promise.all([
      opa.run(args, dir),
      foreseen.length > 0 ? buildWasm(opa, dir, foreseen) : null,
    ]);
    const results = parseResults(stdout, stderr).filter((result) => !result.skip);
    if (results.length === 0) return { passed: 0, failures: [] };
    const entrypoints = [...new Set(results.map(entrypointOf))];
    // OPA's list counts; the predicted one only saves time.
    const isForeseen = early && !('problem' in early) && entrypoints.every((test) => foreseen.includes(test));
    const evaluate = loadTests(isForeseen ? early : await buildWasm(opa, dir, entrypoints), opa, sources, load);

    let passed = 0;
    const failures: string[] = [];
    for (const result of results) {
      const { location, package: name, name: test } = result;
      const title = `${name.replace(/^data\./, '')}.${test} (${location.file}:${location.row})`;
      const compiled = evaluate(entrypointOf(result));
      for (const { path, ok, error } of leavesOf(result)) {
        const where = path.length > 0 ? `${title} ${path.join(' / ')}` : title;
        const alsoOk = compiled.error === undefined && holds(compiled.value, path);
        if (ok && alsoOk) passed++;
        else if (ok)
          failures.push(
            `DIFF  ${where}: passes in opa test, but not in the WASM that decides${reason(compiled.error)}`,
          );
        else if (alsoOk)
          failures.push(`DIFF  ${where}: passes in the WASM that decides, but not in opa test${reason(error)}`);
        else failures.push(`FAIL  ${where}${reason(error)}`);
      }
    }
    return { passed, failures };
  });
}

type Outcome = {
  readonly fail?: boolean;
  readonly error?: unknown;
  readonly sub_results?: Readonly<Record<string, Outcome>>;
};
type Result = Outcome & {
  readonly location: { readonly file: string; readonly row: number };
  readonly package: string;
  readonly name: string;
  readonly skip?: boolean;
};

function parseResults(stdout: string, stderr: string): readonly Result[] {
  try {
    return (JSON.parse(stdout) ?? []) as Result[];
  } catch {
    throw new PolicyError([(stderr || stdout).trim()]);
  }
}

/** OPA numbers rules of the same name; in WASM they are one entrypoint. */
function entrypointOf({ package: name, name: test }: Result): string {
  const path = name.replace(/^data\./, '').replaceAll(/\["([^"]+)"\]/g, '.$1');
  return `${path}.${test.replace(/#\d+$/, '')}`.replaceAll('.', '/');
}

type Compiled = { readonly value?: unknown; readonly error?: string };

/** The entrypoints of the tests, predicted from the text of the sources; only OPA knows them exactly. */
function findTests({ files }: Sources): string[] {
  const found = new Set<string>();
  for (const [path, bytes] of files) {
    if (!path.endsWith('.rego')) continue;
    const text = textOf(bytes);
    const folder = packageOf(text)?.replaceAll('.', '/');
    for (const [, test] of text.matchAll(/^(?:default\s+)?(test_\w+)/gm)) found.add(`${folder}/${test}`);
  }
  return [...found];
}

function loadTests(
  built: Awaited<ReturnType<typeof buildWasm>>,
  opa: Opa,
  sources: Sources,
  load: LoadPolicy,
): (entrypoint: string) => Compiled {
  if ('problem' in built) throw new PolicyError([`the tests do not compile to WASM: ${built.problem}`]);
  const contents = { ...built, reads: READS_ANYTHING, rules: [] };
  const { evaluate } = load({
    ...contents,
    revision: bundleRevision(contents),
    sources: sources.digest,
    opa: opa.version,
    readsUsage: true,
  });
  return (entrypoint) => {
    try {
      return { value: evaluate(entrypoint, '{}') };
    } catch (cause) {
      return { error: (cause as Error).message };
    }
  };
}

type Leaf = { readonly path: readonly string[]; readonly ok: boolean; readonly error: unknown };

/** A test with named cases (`test_amounts[note] if …`) counts once for each. */
function leavesOf(outcome: Outcome, path: readonly string[] = []): Leaf[] {
  const cases = Object.entries(outcome.sub_results ?? {});
  if (cases.length === 0) return [{ path, ok: !outcome.fail && !outcome.error, error: outcome.error }];
  return cases.flatMap(([name, each]) => leavesOf(each, [...path, name]));
}

function holds(value: unknown, path: readonly string[]): boolean {
  let at = value;
  for (const name of path) at = (at as Record<string, unknown> | null | undefined)?.[name];
  return at !== undefined && at !== false;
}

function reason(error: unknown): string {
  if (error === undefined) return '';
  const { message } = error as { message?: unknown };
  return `: ${typeof message === 'string' ? message : String(error)}`;
}
