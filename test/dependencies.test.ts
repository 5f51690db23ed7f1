import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { ResolverFactory } from 'oxc-resolver';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const FILES = globSync('{gateway,audit,admin,policies}/**/*.ts', { cwd: ROOT }).toSorted();

/** The folders that every folder may import: the vocabulary, exact JSON, the messages of MCP, and the patterns of secrets. */
const SHARED_GROUND = new Set(['gateway/domain', 'gateway/json', 'gateway/mcp', 'gateway/secrets']);
/** The folders that assemble the others, and may import anything. */
const COMPOSITION = new Set(['gateway/agents', 'gateway/process', 'gateway/cli']);

type Import = { readonly file: string; readonly target: string; readonly typeOnly: boolean };

/** The folder that a file belongs to: `gateway/<stage>`, or the top folder. */
function house(file: string): string {
  const [top = '', second, third] = file.split('/');
  return top === 'gateway' && third !== undefined ? `${top}/${second}` : top;
}

// AssemblyScript names files without their ending.
const resolver = new ResolverFactory({ extensions: ['.ts'] });

/** Every import and re-export between our files, of types and at run time. */
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

/** `importer → imported` for every import that breaks a rule. The test's name is the reason. */
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

test('the search finds the imports of every folder, both of types and at run time', () => {
  expect(imports.length).toBeGreaterThan(FILES.length);
  expect(imports.filter(({ typeOnly }) => typeOnly).length).toBeGreaterThan(100);
  expect(imports).toContainEqual({
    file: 'gateway/holds/store/store.ts',
    target: 'gateway/holds/store/postgres.ts',
    typeOnly: false,
  });
});

test('the shared ground imports no other folder of ours, so that every folder can use it', () => {
  const isShared = (file: string) => SHARED_GROUND.has(house(file));
  expect(breaking(({ file, target }) => !isShared(file) || isShared(target))).toEqual([]);
});

test('a folder imports itself and the shared ground only, so that it can be read, tested and replaced alone', () => {
  const isAllowed = ({ file, target }: Import) => {
    const [from, to] = [house(file), house(target)];
    // `gateway/wire` has two users: `enforce` calls systems, and `agents` answers agents.
    return from === to || SHARED_GROUND.has(to) || (from === 'gateway/enforce' && to === 'gateway/wire');
  };
  const putsTogether = (file: string) => COMPOSITION.has(house(file)) || file === 'gateway/main.ts';
  expect(breaking((one) => putsTogether(one.file) || one.file === 'gateway/pipeline.ts' || isAllowed(one))).toEqual([]);
});

test('no files import each other in a circle, so that each file can be read after its imports', () => {
  expect(circles()).toEqual([]);
});

test('main.ts and pipeline.ts are the only loose files in gateway, so that every other file has a folder', () => {
  const loose = FILES.filter((file) => house(file) === 'gateway');
  expect(loose).toEqual(['gateway/main.ts', 'gateway/pipeline.ts']);
});

test('pipeline.ts imports types only, so that the parts are assembled elsewhere', () => {
  expect(breaking(({ file, typeOnly }) => file !== 'gateway/pipeline.ts' || typeOnly)).toEqual([]);
});

test('only the configuration reads the environment, so that one folder shows every variable', () => {
  const readers = FILES.filter((file) => /process\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(readers).toEqual(['gateway/config/config.ts']);
});

test('a worker loads no ClickHouse client, so that it decides while ClickHouse is unavailable', () => {
  const loaded = loadedWith('gateway/process/worker.ts');
  const reached = [...loaded].filter((file) => /@clickhouse|chdb/.test(readFileSync(join(ROOT, file), 'utf8')));
  expect(loaded.size).toBeGreaterThan(20);
  expect(reached).toEqual([]);
});

test("only policy-input.ts knows the input's layout, so that a member can be renamed in one place", () => {
  // Members written into JSON text, or looked up by name. Resource, query and body are also words of events.
  const written = /[{,]"(?:principal|action|context|usage|answer|query|body_bytes)":/;
  const lookedUp = /(?:\b[a-z]\w*\[|\(|, )'(?:principal|action|context|body_bytes)'[\])]/;
  const knowing = FILES.filter((file) => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    return written.test(source) || lookedUp.test(source);
  });
  expect(knowing).toEqual(['gateway/domain/policy-input.ts']);
});

test('only enforce/reply writes a response to a caller, so that another protocol is another reply and nothing else', () => {
  const writes = /\bresponse\.(?:begin|sendContinue|endAfterBody)\(/;
  expect(gatewayFilesWith(writes)).toEqual([
    'gateway/enforce/reply/agent-answer.ts',
    'gateway/enforce/reply/answer-preflight.ts',
    'gateway/enforce/reply/answer-probe.ts',
    'gateway/enforce/reply/http-reply.ts',
  ]);
});

test('only gateway/wire writes to the objects of node:http, so that the path of a call does not depend on them', () => {
  const writes = /\.(?:writeHead|writeContinue|flushHeaders|addTrailers)\(/;
  expect(gatewayFilesWith(writes)).toEqual(['gateway/wire/end-after-body.ts', 'gateway/wire/node-message.ts']);
});

function gatewayFilesWith(pattern: RegExp): string[] {
  return FILES.filter((file) => file.startsWith('gateway/') && house(file) !== 'gateway/demo').filter((file) =>
    pattern.test(readFileSync(join(ROOT, file), 'utf8')),
  );
}
