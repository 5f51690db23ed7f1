import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nearest } from '../gateway/domain/nearest.ts';
import type { Opa } from './opa.ts';
import type { Plan } from './plan.ts';
import { GIVES, isTest, lineOfRule, listEntries, neverAsked, textOf, type Sources } from './sources.ts';

/** A rule as its file defines it. */
export type Definition = { readonly file: string; readonly package: readonly string[]; readonly name: string };

/** The package and the names of the rules of each file. Whole syntax trees of many files would be too much output. */
const QUERY = `{file: {"package": path, "names": names} |
  some file, text in input
  module := rego.parse_module(file, text)
  path := [part.value | some index, part in module["package"].path; index > 0]
  names := [rule.head.ref[0].value | some rule in object.get(module, "rules", [])]
}`;

type Module = { readonly package: readonly string[]; readonly names: readonly string[] };

/** Parses each file to the rules it defines; files that cannot be parsed have none. @param room a folder to write to */
export async function readDefinitions(sources: Sources, opa: Opa, room: string): Promise<readonly Definition[]> {
  const texts = [...sources.files].filter(([file]) => file.endsWith('.rego') && !isTest(file));
  const input = join(room, 'texts.json');
  await writeFile(input, JSON.stringify(Object.fromEntries(texts.map(([file, bytes]) => [file, textOf(bytes)]))));
  const { ok, stdout, stderr } = await opa.run(['eval', '--format=values', `--input=${input}`, QUERY], room);
  if (!ok) throw new Error(stderr);
  const [modules = {}] = JSON.parse(stdout) as { readonly [file: string]: Module }[];
  return Object.entries(modules).flatMap(([file, { package: path, names }]) =>
    names.map((name) => ({ file, package: path, name })),
  );
}

/**
 * Problems of rules that no decision reads, such as a misspelt `holds contains …`: neither Holdpoint's decision nor
 * another rule that is read uses them. Tests do not count: they would hide just this. Outside `rules.*`, only what looks
 * like a verdict counts: a library may have functions to spare.
 *
 * @param plan of all entrypoints; it has only what they reach
 */
export function findUnreadRules(definitions: readonly Definition[], plan: Plan, sources: Sources): string[] {
  const read = new Set(
    plan.funcs.funcs.flatMap(({ path = [] }) => path.map((_, index) => path.slice(1, index + 1).join('\n'))),
  );
  const entries = new Set(listEntries(sources).map(({ file, line }) => `${file}:${line}`));
  const found = definitions.flatMap(({ file, package: path, name }) => {
    if (read.has([...path, name].join('\n')) || /^(?:todo_)?test_/.test(name)) return [];
    const line = `${file}:${lineOfRule(sources, file, name)}`;
    const isVerdict = GIVES.some((verdict) => verdict === name) || entries.has(line);
    if (path[0] !== 'rules')
      return isVerdict && path[0] !== 'holdpoint' ? [`${line}: ${neverAsked(path.join('.'))}`] : [];
    const meant = nearest(name, GIVES);
    const question = meant === undefined || meant === name ? '' : ` Did you mean "${meant}"?`;
    return [
      `${line}: nothing reads "${name}"; a rule gives allow, hold, block or drift, or is used by one that does.${question}`,
    ];
  });
  return [...new Set(found)];
}
