import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createBuiltins } from '../../../gateway/decide/builtins.ts';
import { writeJson } from '../../../gateway/decide/builtins/json.ts';
import { createInstance, preparePolicyModule } from '../../../gateway/decide/instance.ts';
import { isSameJson, parseExactly } from '../../../gateway/json/exact-json.ts';
import { buildWasm } from '../../../policies/compile.ts';
import { CAPABILITIES_ARGS } from '../../../policies/sources.ts';
import { type OpaCase, opaCases } from '../../helpers/opa-cases.ts';
import { inFolder, opa } from '../../policies/real-opa.ts';

/** Language of OPA's that `policies/capabilities.json` leaves out: experiments, and what only the Go runtime has. */
const OTHER_LANGUAGE =
  /import future\.keywords$|future\.keywords\.(?:and|or|not)\b|import rego\.v2|test\.sleep|\bopa\.runtime\b/m;

/** Cases in which a gateway differs from OPA, each with its reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'data/nested integer': 'WASM takes no number in `data` for a member of that name (open-policy-agent/opa#3711)',
  'data/toplevel integer': 'the same',
  'virtualdocs/output: set falsy values':
    'JSON tells no set from an array: the same elements, ordered as if there were none',
  'walkbuiltin/arrays no path': 'the same: a set, ordered as the YAML of the case has it',
  'walkbuiltin/objects no path': 'the same',
  'withkeyword/invalidate comprehension cache': 'the same',
};

type Placed = { readonly id: string; readonly ref: string; readonly each: OpaCase };

const exact = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? JSON.rawJSON(String(each)) : each));

/** Rego with its packages below `data.<id>`, so that many cases fit into one module. */
function moved(rego: string, id: string): string {
  return rego.replace(/(?<!\$)(?:"(?:\\.|[^"\\])*"|`[^`]*`)|#.*|\bdata(?=\s*[.[])|^\s*package\s+/gm, (found) =>
    found === 'data' ? `data.${id}` : /^\s*package/.test(found) ? `${found}${id}.` : found,
  );
}

function filesOf({ id, ref, each }: Placed): [string, string][] {
  return [
    ...(each.modules ?? []).map((rego, index): [string, string] => [`${id}_${index}.rego`, moved(rego, id)]),
    [`${id}_case.rego`, `package cases.${id}\n\nresult := data.${id}.${ref}\n`],
    ...(each.data === undefined ? [] : [[`${id}/data.json`, exact(each.data)] as [string, string]]),
  ];
}

/** Names that OPA has and policies may not use. */
async function refusedBuiltins(): Promise<string[]> {
  const namesIn = (text: string) =>
    (JSON.parse(text) as { builtins: { name: string }[] }).builtins.map(({ name }) => name);
  const { stdout } = await opa.run(['capabilities', '--current'], '.');
  const own = new Set(namesIn(await readFile(CAPABILITIES_ARGS[1], 'utf8')));
  return namesIn(stdout).filter((name) => !own.has(name));
}

/** What a case wants: a value as JSON, `undefined`, or `an error`. */
function wantedOf({ want_result: [first] = [], want_error_code: code, strict_error: isStrict }: OpaCase): string {
  if (first) return exact(first['x']);
  return code !== undefined && !isStrict && /conflict/.test(code) ? 'an error' : 'undefined';
}

function isSame(a: string, b: string): boolean {
  if (a === b) return true;
  const isValue = (text: string) => text !== 'undefined' && text !== 'an error';
  return isValue(a) && isValue(b) && isSameJson(parseExactly(a), parseExactly(b));
}

async function differences(cases: readonly Placed[]): Promise<Record<string, unknown>> {
  const built = await inFolder(Object.fromEntries(cases.flatMap(filesOf)), (dir) =>
    buildWasm(
      opa,
      dir,
      cases.map(({ id }) => `cases/${id}/result`),
    ),
  );
  if ('problem' in built) throw new Error(`${cases[0]!.each.note} …: ${built.problem}`);
  const module = preparePolicyModule(built.wasm);
  const create = () =>
    createInstance(
      module,
      built.data,
      createBuiltins(() => 0),
      () => {},
    );
  let instance = create();
  const found: Record<string, unknown> = {};
  for (const { id, each } of cases) {
    let got: string;
    let fault: unknown;
    try {
      const value = instance.valueOf(
        instance.entrypoints[`cases/${id}/result`]!,
        each.input === undefined ? '' : exact(each.input),
      );
      got = value === undefined ? 'undefined' : writeJson(value);
    } catch (cause) {
      fault = cause;
      got = 'an error';
      instance = create();
    }
    const wanted = wantedOf(each);
    if (!isSame(got, wanted))
      found[each.note] = { got, wanted, ...(fault === undefined ? {} : { fault: String(fault) }) };
  }
  return found;
}

const PER_MODULE = 100;

it("OPA's own compliance cases come out the same", async () => {
  const refused = await refusedBuiltins();
  const calls = new RegExp(`(?<![\\w.])(?:${refused.map((name) => name.replaceAll('.', '\\.')).join('|')})\\(`);
  const cases = (await opaCases()).flatMap((each, index): Placed[] => {
    const ref = /^data\.([\w.]+) = x$/.exec(each.query)?.[1];
    const text = (each.modules ?? []).join('\n');
    if (ref === undefined || each.input_term !== undefined || OTHER_LANGUAGE.test(text) || calls.test(text)) return [];
    return [{ id: `c${index}`, ref, each }];
  });
  expect(cases.length).toBeGreaterThan(1600);
  const modules = Array.from({ length: Math.ceil(cases.length / PER_MODULE) }, (_, index) =>
    cases.slice(index * PER_MODULE, (index + 1) * PER_MODULE),
  );
  const found = await Promise.all(modules.map(differences));
  const all = Object.assign({}, ...found) as Record<string, unknown>;
  expect(Object.entries(all).filter(([note]) => !(note in DIFFERENT))).toEqual([]);
  expect(Object.keys(all).sort()).toEqual(Object.keys(DIFFERENT).sort());
}, 300_000);
