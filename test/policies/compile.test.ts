import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPolicyTarget } from '../../gateway/agents/policy-target.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { encodeBundle } from '../../gateway/domain/bundle.ts';
import { compilePolicies } from '../../policies/compile.ts';
import { PolicyError } from '../../policies/policy-error.ts';
import { readSources } from '../../policies/sources.ts';
import { type Files, inFolder, inputOf, opa } from './real-opa.ts';
import { compileRego } from '../helpers/policy.ts';

const sound = 'package rules.crm\n\nallow contains {"rule": "any"}\n';

async function problemsOf(files: Files): Promise<readonly string[]> {
  const refused = await compileRego(files).catch((cause: unknown) => cause);
  if (!(refused instanceof PolicyError)) throw new Error('it was not refused', { cause: refused });
  return refused.problems;
}

describe('compiled policies', () => {
  it('the same sources compile to the same bytes in any folder', async () => {
    const files = { 'a.rego': sound, 'limits/data.yaml': 'most: 3\n' };
    expect(encodeBundle(await compileRego(files))).toBe(encodeBundle(await compileRego(files)));
  });

  it('the revision changes with a rule, its line or data, but not with a test or a comment that moves no rule', async () => {
    const { revision } = await compileRego({ 'a.rego': sound, 'limits/data.json': '{"most": 3}' });
    const others = await Promise.all([
      compileRego({ 'a.rego': sound.replace('any', 'other'), 'limits/data.json': '{"most": 3}' }),
      compileRego({ 'a.rego': sound, 'limits/data.json': '{"most": 4}' }),
      compileRego({ 'a.rego': `# note\n${sound}`, 'limits/data.json': '{"most": 3}' }),
      compileRego({ 'a.rego': `${sound}\n# note\n`, 'limits/data.json': '{"most": 3}' }),
      compileRego({
        'a.rego': sound,
        'limits/data.json': '{"most": 3}',
        'a_test.rego': 'package a_test\n\ntest_a if 1 == 1\n',
      }),
    ]);
    expect(others.map((other) => other.revision === revision)).toEqual([false, false, false, true, true]);
  });

  it('data files become data, and other files are left out', async () => {
    const bundle = await compileRego({
      'a.rego': 'package rules.crm\n\nallow contains {"rule": "any", "reason": data.words.greeting}\n',
      'words/data.yaml': 'greeting: hello\n',
      'words/notes.json': 'not even JSON',
      '.git/data.json': 'neither',
      'README.md': '#',
    });
    expect(JSON.parse(bundle.data)).toEqual({ words: { greeting: 'hello' } });
    expect(createEvaluator(bundle).decide(inputOf()).reason).toBe('hello');
  });

  it('the bundle lists the rules with their places', async () => {
    const { rules } = await compileRego({
      'crm.rego': `# Rules.\npackage rules["my-crm"] # quoted\n\nallow contains {"rule": "any"}\n\nhold contains {\n\t"reason": "x",\n\t"rule": "big",\n} if input.action.body == 1\n\nblock contains entry if entry := {"rule": "computed"}\n`,
      'crm_test.rego': 'package crm_test\n\nallow contains {"rule": "no"}\n',
    });
    expect(rules).toEqual([
      { package: 'rules.my-crm', verdict: 'allow', rule: 'any', file: 'crm.rego', line: 4 },
      { package: 'rules.my-crm', verdict: 'hold', rule: 'big', file: 'crm.rego', line: 6 },
      { package: 'rules.my-crm', verdict: 'block', rule: null, file: 'crm.rego', line: 11 },
    ]);
  });

  it('the bundle lists a rule that adds to shared terms under its own name', async () => {
    const { rules } = await compileRego({
      'crm.rego': `package rules.crm\n\nterms := {"reviewers": ["sales"]}\n\nhold contains object.union(terms, {\n\t"rule": "big",\n})\n\nhold contains object.union(\n\tterms,\n\t{"rule": "old"},\n)\n`,
    });
    expect(rules.map(({ rule }) => rule)).toEqual(['big', 'old']);
  });

  it("the bundle has Holdpoint's own decision, even over a copy in the folder", async () => {
    const bundle = await compileRego({
      'a.rego': 'package rules.crm\n\nblock contains {"rule": "any"}\n',
      'holdpoint/decision.rego': 'package holdpoint\n\ndecision := {"verdict": "allow"}\n',
    });
    expect(createEvaluator(bundle).decide(inputOf())).toMatchObject({ verdict: 'block', fault: null });
  });

  it('the bundle has the decision-log mask if there is one', async () => {
    const mask = 'package system.log\n\nmask contains "/input/action/body/card" if input.input.action.body.card\n';
    const unmasked = createEvaluator(await compileRego({ 'a.rego': sound }));
    expect(unmasked.entrypoints).toEqual(['holdpoint/decision']);
    const masked = createEvaluator(await compileRego({ 'a.rego': sound, 'mask.rego': mask }));
    expect(masked.evaluate('system/log/mask', '{"input": {"action": {"body": {"card": "4242"}}}}')).toEqual([
      '/input/action/body/card',
    ]);
  });
});

describe('drift rules', () => {
  const drift = 'package rules.crm\n\ndrift contains {"rule": "moved"} if input.answer.body.id != input.resource.id\n';

  it('the bundle has an entrypoint for drift only if there are drift rules', async () => {
    const without = createEvaluator(await compileRego({ 'a.rego': sound }));
    expect(without.entrypoints).toEqual(['holdpoint/decision']);
    expect(without.watches('crm')).toBe(false);
    const bundle = await compileRego({ 'a.rego': sound, 'drift.rego': drift });
    const watching = createEvaluator(bundle);
    expect(watching.entrypoints.toSorted()).toEqual(['holdpoint/decision', 'holdpoint/drift']);
    expect([watching.watches('crm'), watching.watches('payments')]).toEqual([true, false]);
    expect(bundle.rules).toContainEqual({
      package: 'rules.crm',
      verdict: 'drift',
      rule: 'moved',
      file: 'drift.rego',
      line: 3,
    });
    const all = createEvaluator(await compileRego({ 'all.rego': drift.replace('crm', 'all') }));
    expect(all.watches('payments')).toBe(true);
  });

  it('drift rules see the call with its answer, and change nothing about the decision', async () => {
    const { decide, findDrift } = createEvaluator(await compileRego({ 'a.rego': sound, 'drift.rego': drift }));
    const input = (id: number, answered: number) =>
      JSON.stringify({
        ...(JSON.parse(inputOf()) as object),
        resource: { type: 'deals', id },
        answer: { status: 200, headers: {}, body: { id: answered } },
      });
    expect(decide(input(1, 2))).toMatchObject({ verdict: 'allow', fault: null });
    expect(findDrift(input(1, 1))).toEqual({ drift: null, fault: null });
    expect(findDrift(input(1, 2))).toMatchObject({ drift: { rules: ['rules.crm/moved'] }, fault: null });
  });

  it('drift rules with malformed results are a fault and find nothing', async () => {
    for (const entry of ['"nonsense"', '{"rule": "moved", "verdict": "block"}', '{"reason": "no name"}']) {
      const { findDrift } = createEvaluator(
        await compileRego({ 'a.rego': `package rules.crm\n\ndrift contains ${entry}\n` }),
      );
      expect(findDrift(inputOf())).toMatchObject({ drift: null, fault: expect.stringContaining('malformed drift') });
    }
  });

  it('drift rules that never match, because they are not a set of named rules, are a problem', async () => {
    expect(await problemsOf({ 'a.rego': 'package rules.a\n\ndrift if input.answer.status == 200\n' })).toEqual([
      'a.rego:3: write `drift contains {"rule": "…"} if …`: each verdict is a set of named rules',
    ]);
  });
});

describe('problems of a policy', () => {
  it('a member that the input does not have is reported with file, line and the known names', async () => {
    const [problem, ...others] = await problemsOf({
      'rules/crm.rego': 'package rules.crm\n\nallow contains {"rule": "any"} if input.action.boddy.amount < 5\n',
    });
    expect(problem).toMatch(/^rules\/crm\.rego:3: undefined ref: input\.action\.boddy\.amount .*\bbody\b/);
    expect(others).toEqual([]);
  });

  it('text that is not Rego is reported with its place', async () => {
    expect(await problemsOf({ 'crm.rego': 'package rules.crm\n\nallow contains {"rule": "any"} if {\n' })).toEqual([
      'crm.rego:4: unexpected eof token',
    ]);
  });

  it('a built-in that the gateway lacks is reported', async () => {
    expect(
      await problemsOf({
        'crm.rego':
          'package rules.crm\n\nallow contains {"rule": "any"} if http.send({"method": "get", "url": "http://x"}).status == 200\n',
      }),
    ).toEqual(['crm.rego:3: undefined function http.send']);
  });

  it('problems of all files are reported at once', async () => {
    const broken = (name: string) => `package rules.${name}\n\nallow contains {"rule": "any"} if input.nowhere\n`;
    const problems = await problemsOf({ 'a.rego': broken('a'), 'b.rego': broken('b') });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['a.rego', 'b.rego']);
  });

  it('unreadable data is reported', async () => {
    expect((await problemsOf({ 'a.rego': sound, 'limits/data.json': '{"most": ' })).join()).toMatch(/data\.json/);
  });

  it('a rule that is never evaluated is reported', async () => {
    expect(
      await problemsOf({
        'deep.rego': 'package rules.crm.refunds\n\nblock contains {"rule": "any"}\n',
        'typo.rego': 'package rules.crm\n\nblcok contains {"rule": "any"}\n',
        'own.rego': 'package holdpoint\n\nverdicts := 1\n',
        'above.rego': 'package rules\n\ncrm[name] := 1 if some name in ["block"]\n',
      }),
    ).toEqual([
      'deep.rego:3: a rule in package rules.crm.refunds is never asked: verdicts belong in package rules.<system> or rules.all',
      'above.rego:1: put rules in package rules.<system> or rules.all, and what they share in another package',
      "own.rego:1: package holdpoint is Holdpoint's own; put rules in package rules.<system> or rules.all",
      'typo.rego:3: nothing reads "blcok"; a rule gives allow, hold, block or drift, or is used by one that does. Did you mean "block"?',
    ]);
  });

  it('a verdict that is not a set of named rules is reported', async () => {
    expect(
      await problemsOf({
        'a.rego': 'package rules.a\n\ndefault allow := false\n\nallow if input.action.method == "GET"\n',
      }),
    ).toEqual([
      'a.rego:3: write `allow contains {"rule": "…"} if …`: each verdict is a set of named rules',
      'a.rego:5: write `allow contains {"rule": "…"} if …`: each verdict is a set of named rules',
    ]);
  });

  it('a missing folder is reported', async () => {
    await expect(readSources('/nowhere/at-all')).rejects.toThrow('/nowhere/at-all: cannot be read');
  });
});

it('the sources are compiled as they were read, whatever the folder has become', () =>
  inFolder({ 'a.rego': sound }, async (dir) => {
    const sources = await readSources(dir);
    await writeFile(join(dir, 'a.rego'), 'nonsense');
    expect((await compilePolicies(sources, opa, createPolicyTarget(null))).rules).toHaveLength(1);
  }));

it('links to files are followed, and dangling links are skipped', () =>
  inFolder({ 'policies/.keep': '', 'elsewhere/crm.rego': sound }, async (dir) => {
    await symlink('../elsewhere/crm.rego', join(dir, 'policies/crm.rego'));
    await symlink('bot@host.1234', join(dir, 'policies/.#crm.rego'));
    await symlink('nowhere.rego', join(dir, 'policies/gone.rego'));
    expect((await readSources(join(dir, 'policies'))).own).toEqual(['crm.rego']);
  }));
