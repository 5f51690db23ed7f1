import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const FILES = globSync('{gateway,audit,admin,policies}/**/*.ts', { cwd: ROOT });

type Import = { readonly file: string; readonly target: string; readonly typeOnly: boolean };

/** The folder that a file belongs to: `gateway/<stage>`, or the top folder. */
function house(file: string): string {
  const [top, second] = file.split('/');
  return top === 'gateway' && second !== undefined && !second.endsWith('.ts') ? `gateway/${second}` : (top ?? '');
}

const imports: Import[] = FILES.flatMap((file) =>
  [
    ...readFileSync(join(ROOT, file), 'utf8').matchAll(
      /(?:^|\n)(?:import|export) (type )?[^;'"]*?['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]\s*\)/g,
    ),
  ].map((match) => ({
    file,
    target: relative(ROOT, join(ROOT, dirname(file), match[2] ?? match[3] ?? '')),
    typeOnly: match[1] !== undefined,
  })),
);

/** `importer → imported` of every import that breaks a rule; the test's name is the reason. */
function breaking(rule: (one: Import) => boolean): string[] {
  return imports.filter((one) => !rule(one)).map(({ file, target }) => `${file} → ${target}`);
}

test('the imports of every folder are found', () => {
  expect(imports.length).toBeGreaterThan(FILES.length);
});

test('the vocabulary depends on nothing, so that everybody can share it', () => {
  expect(
    breaking(({ file, target }) => house(file) !== 'gateway/domain' || house(target) === 'gateway/domain'),
  ).toEqual([]);
});

test('a folder knows itself and the vocabulary alone, so that it can be read, tested and replaced by itself', () => {
  const allowed = ({ file, target }: Import) => house(target) === house(file) || house(target) === 'gateway/domain';
  expect(breaking((one) => house(one.file) === 'gateway' || allowed(one))).toEqual([]);
});

test('the path of a call knows its stages by their types alone, so that nothing is put together in it', () => {
  expect(breaking(({ file, typeOnly }) => file !== 'gateway/pipeline.ts' || typeOnly)).toEqual([]);
});

test('nothing but the configuration reads the environment, so that one place tells what a gateway depends on', () => {
  const readers = FILES.filter((file) => /process\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(readers).toEqual(['gateway/config.ts']);
});

test('the data plane knows nothing of ClickHouse, so that it decides while ClickHouse is away', () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const one of imports) if (one.file === file && !one.typeOnly) visit(one.target);
  };
  visit('gateway/worker.ts');
  const reached = [...seen].filter((file) => /@clickhouse|chdb/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(seen.size).toBeGreaterThan(20);
  expect(reached).toEqual([]);
});
