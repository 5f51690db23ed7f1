import { writeFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { createPolicyTarget } from '../../gateway/agents/policy-target.ts';
import { createBundleStore } from '../../gateway/decide/bundle-store.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import type { Bundle } from '../../gateway/domain/bundle.ts';
import { createPolicyKeeper, type PolicyKeeper } from '../../policies/keeper.ts';
import { findOpa } from '../../policies/opa.ts';
import { cacheDir, type Files, inFolder, inputOf, opa, root, save } from './real-opa.ts';

const allowing = 'package rules.crm\n\nallow contains {"rule": "any"}\n';
const blocking = 'package rules.crm\n\nblock contains {"rule": "any"}\n';
const broken = 'package rules.crm\n\nallow contains {"rule": "any"} if input.nowhere\n';

type Setting = {
  readonly dir: string;
  readonly keeper: PolicyKeeper;
  readonly activated: Bundle[];
  readonly refused: (readonly string[])[];
  /** The verdict of the active policy. */
  readonly verdict: () => string;
  readonly asked: () => number;
  /** A keeper as after a restart, on the same store. */
  readonly again: (systems?: readonly { readonly name: string }[] | null) => Setting;
};

/** @param meanwhile called whenever a policy has been compiled and is loaded */
function settingIn(
  dir: string,
  folder = join(dir, 'policies'),
  meanwhile = () => {},
  systems: readonly { readonly name: string }[] | null = null,
): Setting {
  const activated: Bundle[] = [];
  const refused: (readonly string[])[] = [];
  let asked = 0;
  const keeper = createPolicyKeeper({
    dir: folder,
    target: () => createPolicyTarget(systems),
    store: createBundleStore(join(dir, 'store')),
    load(bundle) {
      meanwhile();
      return createEvaluator(bundle);
    },
    opa: () => {
      asked++;
      return findOpa({ env: { PATH: dirname(opa.path) }, cacheDir });
    },
    onActivated: (bundle) => void activated.push(bundle),
    onRefused: (reasons) => void refused.push(reasons),
    debounce: 10,
  });
  return {
    dir: folder,
    keeper,
    activated,
    refused,
    verdict: () => createEvaluator(activated.at(-1)!).decide(inputOf()).verdict,
    asked: () => asked,
    again: (systems = null) => settingIn(dir, folder, meanwhile, systems),
  };
}

/** Starts a keeper on a folder with these files, and stops it whatever happens. */
const kept = (files: Files, use: (setting: Setting) => Promise<void>) =>
  inFolder({}, async (dir) => {
    await save(join(dir, 'policies'), files);
    const setting = settingIn(dir);
    try {
      await use(setting);
    } finally {
      setting.keeper.stop();
    }
  });

it('the keeper activates the folder at the start', () =>
  kept({ 'crm.rego': allowing }, async ({ keeper, activated, verdict }) => {
    await keeper.start();
    expect(verdict()).toBe('allow');
    expect(keeper.status()).toEqual({
      active: {
        revision: activated[0]!.revision,
        activatedAt: expect.any(Number),
        rules: [{ package: 'rules.crm', verdict: 'allow', rule: 'any', file: 'crm.rego', line: 3 }],
      },
      refused: null,
    });
  }));

it('the keeper activates a saved change by itself, even one renamed into place', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated, verdict }) => {
    await keeper.start();
    await writeFile(join(dir, 'crm.rego'), blocking);
    await vi.waitFor(() => expect(activated).toHaveLength(2), { timeout: 10_000 });
    expect(verdict()).toBe('block');
    await writeFile(join(dir, 'crm.rego~'), allowing);
    await rename(join(dir, 'crm.rego~'), join(dir, 'crm.rego'));
    await vi.waitFor(() => expect(activated).toHaveLength(3), { timeout: 10_000 });
    expect(verdict()).toBe('allow');
  }));

it('the keeper knows the text of a rule of the active policy, and of no other', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated }) => {
    const place = { file: 'crm.rego', line: 3 };
    await keeper.start();
    const { revision } = activated[0]!;
    expect(keeper.ruleText(revision, place)).toBe('allow contains {"rule": "any"}');
    expect(keeper.ruleText(revision, { file: 'none.rego', line: 3 })).toBeNull();
    // A broken folder is not what decides.
    await writeFile(join(dir, 'crm.rego'), broken);
    await keeper.refresh();
    expect(keeper.ruleText(revision, place)).toBe('allow contains {"rule": "any"}');
    await writeFile(join(dir, 'crm.rego'), blocking);
    await keeper.refresh();
    expect(keeper.ruleText(revision, place)).toBeNull();
    expect(keeper.ruleText(activated[1]!.revision, place)).toBe('block contains {"rule": "any"}');
  }));

it('a broken policy changes nothing and is reported once, and the corrected one is activated', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated, refused }) => {
    await keeper.start();
    await writeFile(join(dir, 'crm.rego'), broken);
    await keeper.refresh();
    await keeper.refresh();
    expect(refused).toEqual([[expect.stringMatching(/^crm\.rego:3: undefined ref: input\.nowhere/)]]);
    expect(keeper.status()).toMatchObject({
      active: { revision: activated[0]!.revision },
      refused: { at: expect.any(Number), reasons: refused[0] },
    });
    await writeFile(join(dir, 'crm.rego'), blocking);
    await keeper.refresh();
    expect(activated).toHaveLength(2);
    expect(keeper.status().refused).toBeNull();
  }));

it('rules for a system that is not configured change nothing and are reported', () =>
  kept({ 'crm.rego': allowing }, async ({ again, dir }) => {
    const { keeper, activated, refused } = again([{ name: 'crm' }]);
    await keeper.start();
    await save(dir, { 'pay.rego': blocking.replace('crm', 'pay') });
    await keeper.refresh();
    keeper.stop();
    expect(refused).toEqual([
      [expect.stringContaining('pay.rego:1: package rules.pay is never asked: there is no system')],
    ]);
    expect(activated).toHaveLength(1);
  }));

it('a policy for a system that has left the configuration stays in force and is reported', () =>
  kept({ 'crm.rego': allowing }, async ({ keeper, activated, again }) => {
    await keeper.start();
    keeper.stop();
    const restarted = again([{ name: 'sales' }]);
    await restarted.keeper.start();
    restarted.keeper.stop();
    expect(restarted.activated.map(({ revision }) => revision)).toEqual([activated[0]!.revision]);
    expect(restarted.refused).toEqual([[expect.stringContaining('crm.rego:1: package rules.crm is never asked')]]);
  }));

it('a refused change is forgotten when the folder is put back', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated }) => {
    await keeper.start();
    await writeFile(join(dir, 'crm.rego'), broken);
    await keeper.refresh();
    await writeFile(join(dir, 'crm.rego'), allowing);
    await keeper.refresh();
    expect(keeper.status().refused).toBeNull();
    expect(activated).toHaveLength(1);
  }));

it('a save in several steps is judged by its result, and no step is activated or reported', () =>
  inFolder({ 'policies/crm.rego': allowing }, async (dir) => {
    const file = join(dir, 'policies/crm.rego');
    const steps = [broken, blocking];
    const { keeper, activated, refused, verdict } = settingIn(dir, join(dir, 'policies'), () => {
      const step = steps.shift();
      if (step) writeFileSync(file, step);
    });
    await keeper.refresh();
    expect([activated, refused]).toEqual([[], [[expect.stringContaining('crm.rego:3')]]]);
    writeFileSync(file, allowing);
    await keeper.refresh();
    expect(activated).toHaveLength(1);
    expect(verdict()).toBe('block');
  }));

it('a folder that keeps changing is activated', () =>
  inFolder({ 'policies/crm.rego': allowing }, async (dir) => {
    let saves = 0;
    const { keeper, activated } = settingIn(dir, join(dir, 'policies'), () =>
      writeFileSync(join(dir, 'policies/crm.rego'), `${allowing}# ${saves++}\n`),
    );
    await keeper.refresh();
    expect(activated).toHaveLength(1);
  }));

it('a policy with failing tests is refused until the test is corrected', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated, refused }) => {
    const testing = (verdict: string) =>
      `package crm_test\n\ntest_it if data.holdpoint.decision.verdict == "${verdict}" with input as {"action": {"system": "crm"}}\n`;
    await keeper.start();
    await save(dir, { 'crm.rego': blocking, 'crm_test.rego': testing('allow') });
    await keeper.refresh();
    expect(refused).toEqual([['FAIL  crm_test.test_it (crm_test.rego:3)']]);
    expect(activated).toHaveLength(1);
    await save(dir, { 'crm_test.rego': testing('block') });
    await keeper.refresh();
    expect(activated).toHaveLength(2);
  }));

it('the keeper compiles nothing after a restart if the folder is unchanged', () =>
  kept({ 'crm.rego': allowing }, async ({ keeper, activated, again }) => {
    await keeper.start();
    keeper.stop();
    const later = again();
    await later.keeper.start();
    later.keeper.stop();
    expect(later.asked()).toBe(0);
    expect(later.activated.map((bundle) => bundle.revision)).toEqual([activated[0]!.revision]);
  }));

it('the last good policy stays active if the folder is broken at the start', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated, again }) => {
    await keeper.start();
    keeper.stop();
    await writeFile(join(dir, 'crm.rego'), broken);
    const later = again();
    await later.keeper.start();
    later.keeper.stop();
    expect(later.activated.map((bundle) => bundle.revision)).toEqual([activated[0]!.revision]);
    expect(later.keeper.status().refused?.reasons).toHaveLength(1);
  }));

it('the folder decides, not the last policy, if it changed while the gateway was stopped', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, again }) => {
    await keeper.start();
    keeper.stop();
    await writeFile(join(dir, 'crm.rego'), blocking);
    const later = again();
    await later.keeper.start();
    later.keeper.stop();
    expect(later.activated).toHaveLength(1);
    expect(later.verdict()).toBe('block');
  }));

it('the keeper does not start on a broken folder if there was never a good one', () =>
  kept({ 'crm.rego': broken }, async ({ keeper }) => {
    await expect(keeper.start()).rejects.toThrow('crm.rego:3: undefined ref: input.nowhere');
    expect(keeper.status().active).toBeNull();
  }));

it('the policy stays active when the folder disappears, and that is reported once', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated, refused }) => {
    await keeper.start();
    await rm(dir, { recursive: true });
    await keeper.refresh();
    await keeper.refresh();
    expect(refused).toEqual([[expect.stringContaining('cannot be read')]]);
    expect(activated).toHaveLength(1);
  }));

it('the keeper needs no opa for the shipped policies', () =>
  inFolder({}, async (dir) => {
    const { keeper, activated, asked } = settingIn(dir, join(root, 'policies'));
    await keeper.start();
    keeper.stop();
    expect([activated.length, asked()]).toEqual([1, 0]);
  }));

it('a comment that moves no rule does not change the policy', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated }) => {
    await keeper.start();
    await writeFile(join(dir, 'crm.rego'), `${allowing}\n# Anything goes.\n`);
    await keeper.refresh();
    expect(activated).toHaveLength(1);
    expect(keeper.status().active?.rules[0]?.line).toBe(3);
  }));

it('a comment that moves a rule makes another revision, since decisions name the places of rules', () =>
  kept({ 'crm.rego': allowing }, async ({ dir, keeper, activated }) => {
    await keeper.start();
    await writeFile(join(dir, 'crm.rego'), `# Anything goes.\n${allowing}`);
    await keeper.refresh();
    expect(activated).toHaveLength(2);
    expect(keeper.status().active?.rules[0]?.line).toBe(4);
  }));
