import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createBundleStore } from '../../../gateway/decide/bundle-store.ts';
import { type Bundle, bundleRevision, type Reads } from '../../../gateway/domain/bundle.ts';
import { inFolder } from '../../policies/real-opa.ts';

const wasm = new Uint8Array([0, 97, 115, 109, 255]);
const data = '{"most": 9007199254740993}';
const reads: Reads = { others: { action: { system: true } }, systems: { crm: true }, words: ['crm'] };
const rules: Bundle['rules'] = [{ package: 'rules.crm', verdict: 'allow', rule: 'any', file: 'crm.rego', line: 3 }];
const bundle: Bundle = {
  revision: bundleRevision({ wasm, data, reads, rules }),
  wasm,
  data,
  reads,
  sources: 'abc',
  opa: '1.22.0',
  rules,
  readsUsage: false,
};

it('the store returns the bundle that was written, and remembers which is active', () =>
  inFolder({}, async (dir) => {
    const store = createBundleStore(join(dir, 'policy'));
    expect(await store.active()).toBeNull();
    await store.write(bundle);
    await store.write(bundle);
    await store.activate(bundle.revision);
    const later = createBundleStore(join(dir, 'policy'));
    expect(await later.active()).toBe(bundle.revision);
    expect(await later.read(bundle.revision)).toEqual(bundle);
    expect((await readdir(join(dir, 'policy'))).sort()).toEqual([`${bundle.revision}.json`, 'active'].sort());
  }));

it('the reads of a bundle survive under any name', () =>
  inFolder({}, async (dir) => {
    const store = createBundleStore(dir);
    const odd = JSON.parse(
      '{"others":{"__proto__":{"a":{}}},"systems":{"__proto__":true,"constructor":{}},"words":[]}',
    ) as Reads;
    const revision = bundleRevision({ wasm, data, reads: odd, rules });
    await store.write({ ...bundle, reads: odd, revision });
    expect(JSON.stringify((await store.read(revision)).reads)).toBe(JSON.stringify(odd));
  }));

it('the store refuses a bundle that does not match its revision', () =>
  inFolder({}, async (dir) => {
    const store = createBundleStore(dir);
    await store.write(bundle);
    const file = join(dir, `${bundle.revision}.json`);
    const sound = await readFile(file, 'utf8');
    // With the second one, policy would not see what the call is.
    for (const [text, other] of [
      ['0993', '0994'],
      ['"crm": true', '"crm": {}'],
    ]) {
      expect(sound).toContain(text);
      await writeFile(file, sound.replace(text!, other!));
      await expect(store.read(bundle.revision)).rejects.toThrow(/do not match its revision/);
    }
  }));

it('the store refuses a sound bundle under the name of another', () =>
  inFolder({}, async (dir) => {
    const store = createBundleStore(dir);
    const other = bundleRevision({ wasm, data: '{}', reads, rules });
    await store.write({ ...bundle, data: '{}', revision: other });
    await writeFile(join(dir, `${bundle.revision}.json`), await readFile(join(dir, `${other}.json`)));
    await expect(store.read(bundle.revision)).rejects.toThrow(/contains another one/);
  }));

it('the store activates only a bundle that it has', () =>
  inFolder({}, async (dir) => {
    const store = createBundleStore(dir);
    await expect(store.activate(bundle.revision)).rejects.toThrow('ENOENT');
    expect(await store.active()).toBeNull();
  }));

it('the store takes only revisions for names, never paths', () =>
  inFolder({}, async (dir) => {
    await expect(createBundleStore(dir).read('../../etc/passwd')).rejects.toThrow('not a policy revision');
  }));

it('two bundles that differ in where module ends and data begins have different revisions', () => {
  const [one, other] = [
    { wasm: new Uint8Array([49]), data: '2', reads, rules },
    { wasm: new Uint8Array([]), data: '12', reads, rules },
  ];
  expect(bundleRevision(one!)).not.toBe(bundleRevision(other!));
});

it('a rule that moved to another line gives another revision: decisions name its place', () => {
  const moved = rules.map((rule) => ({ ...rule, line: 4 }));
  expect(bundleRevision({ wasm, data, reads, rules: moved })).not.toBe(bundle.revision);
});
