import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { ResolverFactory } from 'oxc-resolver';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const FILES = globSync('{gateway,audit,admin,policies}/**/*.ts', { cwd: ROOT }).toSorted();

/** What everybody may import: words, exact JSON, and what a secret looks like. */
const SHARED_GROUND = new Set(['gateway/domain', 'gateway/json', 'gateway/secrets']);
/** Which folders put the others together, and may import anything. */
const COMPOSITION = new Set(['gateway/agents', 'gateway/process', 'gateway/cli']);

type Import = { readonly file: string; readonly target: string; readonly typeOnly: boolean };

/** The folder that a file belongs to: `gateway/<stage>`, or the top folder. */
function house(file: string): string {
  const [top = '', second, third] = file.split('/');
  return top === 'gateway' && third !== undefined ? `${top}/${second}` : top;
}

const resolver = new ResolverFactory();

/** Every import and re-export of a file of ours by a file of ours, also those of types and those at run time. */
function importsOf(file: string): Import[] {
  const source = readFileSync(join(ROOT, file), 'utf8');
  const { module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const requests = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      from: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [{ from: moduleRequest.value, typeOnly: isType }] : [],
      ),
    ),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => ({
      from: source.slice(start + 1, end - 1),
      typeOnly: false,
    })),
  ];
  return requests.flatMap(({ from, typeOnly }) => {
    if (!from.startsWith('.')) return [];
    const { path, error } = resolver.sync(join(ROOT, dirname(file)), from);
    if (path === undefined) throw new Error(`${file} imports ${from}: ${error}`);
    return [{ file, target: relative(ROOT, path), typeOnly }];
  });
}

const imports: readonly Import[] = FILES.flatMap(importsOf);

/** `importer → imported` of every import that breaks a rule; the test's name is the reason. */
function breaking(isAllowed: (one: Import) => boolean): string[] {
  return imports.filter((one) => !isAllowed(one)).map(({ file, target }) => `${file} → ${target}`);
}

/** Everything that is loaded with a file. */
function loadedWith(entry: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const one of imports) if (one.file === file && !one.typeOnly) visit(one.target);
  };
  visit(entry);
  return seen;
}

/** Groups of files that import each other in a circle (Tarjan's strongly connected components). */
function circles(): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const targets = Map.groupBy(imports, ({ file }) => file);
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file)!);
    stack.push(file);
    for (const { target } of targets.get(file) ?? []) {
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(file, Math.min(low.get(file)!, low.get(target)!));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle.toSorted());
  };
  for (const file of FILES) if (!index.has(file)) visit(file);
  return found;
}

test('the imports of every folder are found, types and run-time imports among them', () => {
  expect(imports.length).toBeGreaterThan(FILES.length);
  expect(imports.filter(({ typeOnly }) => typeOnly).length).toBeGreaterThan(100);
  expect(imports).toContainEqual({
    file: 'gateway/holds/store/store.ts',
    target: 'gateway/holds/store/postgres.ts',
    typeOnly: false,
  });
});

test('shared ground depends on nothing else of ours, so that everything can stand on it', () => {
  const isShared = (file: string) => SHARED_GROUND.has(house(file));
  expect(breaking(({ file, target }) => !isShared(file) || isShared(target))).toEqual([]);
});

test('a folder knows itself and shared ground alone, so that it can be read, tested and replaced by itself', () => {
  const isAllowed = ({ file, target }: Import) => {
    const [from, to] = [house(file), house(target)];
    // The wire has one door for each side: systems are reached from `enforce`, agents are answered in `agents`.
    return from === to || SHARED_GROUND.has(to) || (from === 'gateway/enforce' && to === 'gateway/wire');
  };
  const putsTogether = (file: string) => COMPOSITION.has(house(file)) || file === 'gateway/main.ts';
  expect(breaking((one) => putsTogether(one.file) || one.file === 'gateway/pipeline.ts' || isAllowed(one))).toEqual([]);
});

test('no files import each other in a circle, so that each can be understood after those below it', () => {
  expect(circles()).toEqual([]);
});

test('the front door and the path of a call are the only loose files, so that every other has a room', () => {
  const loose = FILES.filter((file) => house(file) === 'gateway');
  expect(loose).toEqual(['gateway/main.ts', 'gateway/pipeline.ts']);
});

test('the path of a call knows its stages by their types alone, so that nothing is put together in it', () => {
  expect(breaking(({ file, typeOnly }) => file !== 'gateway/pipeline.ts' || typeOnly)).toEqual([]);
});

test('nothing but the configuration reads the environment, so that one place tells what a gateway depends on', () => {
  const readers = FILES.filter((file) => /process\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(readers).toEqual(['gateway/config/config.ts']);
});

test('the data plane knows nothing of ClickHouse, so that it decides while ClickHouse is away', () => {
  const loaded = loadedWith('gateway/process/worker.ts');
  const reached = [...loaded].filter((file) => /@clickhouse|chdb/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(loaded.size).toBeGreaterThan(20);
  expect(reached).toEqual([]);
});

test("only policy-input.ts knows the input's layout, so that a member can be renamed in one place", () => {
  // Members written into JSON text, or looked up by name in JSON. Resource, query and body are words of events too.
  const written = /[{,]"(?:principal|action|context|usage|answer|query|body_bytes)":/;
  const lookedUp = /(?:\b[a-z]\w*\[|\(|, )'(?:principal|action|context|body_bytes)'[\])]/;
  const knowing = FILES.filter((file) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    return written.test(source) || lookedUp.test(source);
  });
  expect(knowing).toEqual(['gateway/domain/policy-input.ts']);
});
