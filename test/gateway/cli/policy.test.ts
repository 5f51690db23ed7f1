import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { check as checkConfig } from '../../../gateway/cli/check.ts';
import { createPolicyCommand } from '../../../gateway/cli/policy.ts';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { decodeBundle } from '../../../gateway/domain/bundle.ts';
import { cacheDir, type Files, inFolder, opa, root, save } from '../../policies/real-opa.ts';

const sound = 'package rules.crm\n\nallow contains {"rule": "any"}\n';

async function run(
  args: readonly string[],
  env: Record<string, string> = { PATH: dirname(opa.path) },
  command = createPolicyCommand({ env, cacheDir }),
) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    page: (text: string) => void (out += text),
    confirm: async () => false,
  };
  const title = { name: 'holdpoint policy', summary: 'check, test, build or format policies' };
  const code = await command(args, terminal, title);
  return { code, out, err };
}

const runIn = (files: Files, ...args: string[]) => inFolder(files, (dir) => run([...args, dir]));

it('policy check says that a sound folder is fine', async () => {
  const { code, out } = await runIn({ 'crm.rego': sound }, 'check');
  expect([code, out]).toEqual([0, expect.stringMatching(/ is fine: 1 rule in 1 package\.\n$/)]);
});

it('policy check lists problems with their places and without a stack', async () => {
  const { code, out, err } = await runIn(
    { 'crm.rego': 'package rules.crm\n\nallow contains 1 if input.nowhere\n' },
    'check',
  );
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/^crm\.rego:3: undefined ref: input\.nowhere .*\n$/);
});

const CONFIG = `
systems: { crm: { upstream: http://127.0.0.1:1 }, pay: { upstream: http://127.0.0.1:1 } }
agents: [{ id: bot, owner: ana@example.com, token_sha256: ${'a'.repeat(64)}, systems: [crm] }]
policies: ./rego
`;
const MISNAMED = sound.replace('crm', 'payy');

it('check, policy check and policy build with --config refuse rules for a system that it does not have', () =>
  inFolder({ 'holdpoint.yaml': CONFIG, 'rego/pay.rego': MISNAMED }, async (dir) => {
    const config = join(dir, 'holdpoint.yaml');
    const problem =
      'pay.rego:1: package rules.payy is never asked: there is no system "payy" in the configuration. Did you mean rules.pay?\n';
    const output = join(dir, 'bundle.json');
    expect(await run(['check', '--config', config])).toEqual({ code: 1, out: '', err: problem });
    expect(await run(['check', '--config', config, join(dir, 'rego')])).toEqual({ code: 1, out: '', err: problem });
    expect(await run(['build', '--config', config, '--output', output])).toEqual({ code: 1, out: '', err: problem });
    await expect(readFile(output)).rejects.toThrow('ENOENT');
    expect(await run(['--config', config], {}, checkConfig)).toEqual({ code: 1, out: '', err: problem });
    await writeFile(join(dir, 'rego/pay.rego'), MISNAMED.replace('payy', 'pay'));
    expect(await run(['check', '--config', config])).toMatchObject({ code: 0, err: '' });
  }));

it('policy check takes the systems from the holdpoint.yaml of the current folder if that names the same policies', () =>
  inFolder({ 'holdpoint.yaml': CONFIG.replace('./rego', './policies'), 'policies/pay.rego': MISNAMED }, async (dir) => {
    const here = { cwd: dir, env: { ...process.env, OPA: opa.path } };
    const program = join(root, 'gateway/main.ts');
    const checking = promisify(execFile)(process.execPath, [program, 'policy', 'check'], here);
    await expect(checking).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean rules.pay?'),
    });
    await save(dir, { 'others/pay.rego': MISNAMED });
    const { stderr } = await promisify(execFile)(process.execPath, [program, 'policy', 'check', 'others'], here);
    expect(stderr).toMatch(
      /^Not checked: .* The policies of holdpoint\.yaml are in .*\/policies\. Pass --config FILE\.\n$/,
    );
  }));

it('policy check without a configuration says that it does not know the systems', async () => {
  expect(await runIn({ 'pay.rego': MISNAMED }, 'check')).toMatchObject({
    code: 0,
    err: 'Not checked: whether the systems of the rules exist. holdpoint.yaml: no such file. Pass --config FILE.\n',
  });
});

it('policy check needs no opa for the shipped policies', async () => {
  expect(await run(['check', join(root, 'policies')], {})).toMatchObject({ code: 0, err: '' });
});

it('policy test counts tests and cases, passed and failed, and says where a failing one is', async () => {
  const { code, out } = await runIn(
    {
      'crm.rego': sound,
      'crm_test.rego': `package rules.crm_test

import data.rules.crm

test_any if count(crm.allow) == 1

test_wrong if count(crm.allow) == 2

test_cases[name] if {
	some name, wanted in {"one": 1, "two": 2}
	count(crm.allow) == wanted
}

todo_test_later if false
`,
    },
    'test',
  );
  expect(code).toBe(1);
  expect(out.trim().split('\n').sort()).toEqual([
    '2 passed, 2 failed',
    'FAIL  rules.crm_test.test_cases (crm_test.rego:9) two',
    'FAIL  rules.crm_test.test_wrong (crm_test.rego:7)',
  ]);
});

it('policy test reports a test with different results in OPA and in WASM', async () => {
  const { code, out } = await runIn(
    {
      'crm.rego': sound,
      'crm_test.rego':
        'package crm_test\n\ntest_long if count(numbers.range(1, 200000)) == 200000\n\ntest_sound if sprintf("%d", [1]) == "1"\n',
    },
    'test',
  );
  expect(code).toBe(1);
  expect(out).toMatch(/^DIFF {2}crm_test\.test_long \(crm_test\.rego:3\): passes in opa test, but not in the WASM/);
  expect(out).toMatch(/\n1 passed, 1 failed\n$/);
});

it('policy test runs the tests that OPA finds, however they are written', async () => {
  const indented = 'package crm_test\n\n  test_indented if true\n\ntest_plain if true\n';
  const quoted = 'package crm["test"]\n\ntest_quoted if true\n';
  const mentioned =
    'package other_test\n\n# In a text only:\nwords := `\ntest_nothing if true\n`\n\ntest_words if words != ""\n';
  const files = { 'a_test.rego': indented, 'b_test.rego': quoted, 'c_test.rego': mentioned };
  expect(await runIn(files, 'test')).toMatchObject({ code: 0, out: '4 passed, 0 failed\n' });
});

it('policy test tells a test that does not compile from one that fails', async () => {
  const { code, err } = await runIn({ 'crm_test.rego': 'package crm_test\n\ntest_x if nonsense\n' }, 'test');
  expect(code).toBe(1);
  expect(err).toMatch(/crm_test\.rego:3.*nonsense/);
});

it('policy test of a folder without tests passes none', async () => {
  expect(await runIn({ 'crm.rego': sound }, 'test')).toMatchObject({ code: 0, out: '0 passed, 0 failed\n' });
});

it('policy build writes a bundle that decides', () =>
  inFolder({ 'crm.rego': sound }, async (dir) => {
    const output = join(dir, 'out/bundle.json');
    const { code, out } = await run(['build', dir, '--output', output]);
    const bundle = decodeBundle(await readFile(output, 'utf8'));
    expect([code, out]).toEqual([0, `${output}: revision ${bundle.revision}\n`]);
    expect(createEvaluator(bundle).entrypoints).toEqual(['holdpoint/decision']);
  }));

it('policy fmt lists unformatted files, and rewrites them on request', () =>
  inFolder(
    { 'ugly.rego': 'package   rules.crm\nallow contains {"rule":"any"}\n', 'sound.rego': sound },
    async (dir) => {
      expect(await run(['fmt', dir])).toMatchObject({ code: 1, out: 'ugly.rego\n' });
      expect(await run(['fmt', '--write', dir])).toMatchObject({ code: 0, out: 'ugly.rego\n' });
      expect(await run(['fmt', '--check', dir])).toMatchObject({ code: 0, out: '' });
      expect(await readFile(join(dir, 'ugly.rego'), 'utf8')).toBe(sound);
    },
  ));

it('policy explains itself, and what was misused', async () => {
  expect(await run(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('policy check|test|build|fmt') });
  expect(await run([])).toMatchObject({ code: 0 });
  expect(await run(['chekc'])).toMatchObject({ code: 2, err: expect.stringContaining('no policy command "chekc"') });
  expect(await run(['fmt', '--write', '--check'])).toMatchObject({ code: 2 });
  expect(await run(['check', '--output', 'x'])).toMatchObject({ code: 2 });
  expect(await run(['check', '--nonsense'])).toMatchObject({ code: 2 });
});

it('the examples for policy authors can be checked and tested as printed', async () => {
  const readme = await readFile(join(root, 'policies/README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```rego\n(.*?)```/gs)].map(([, rego]) => rego!);
  const block = (text: string) => {
    const found = blocks.filter((rego) => rego.includes(text));
    expect([text, found.length]).toEqual([text, 1]);
    return found[0]!;
  };
  const files = {
    'crm.rego':
      block('package rules.crm\n') +
      block('"rule": "other-amount"') +
      block('"day-budget"') +
      block('"repeated-payment"'),
    'crm_test.rego': block('package rules.crm_test') + block('test_finds_another_amount'),
  };
  expect(await runIn(files, 'check')).toMatchObject({ code: 0, err: expect.stringMatching(/^Not checked: .*\n$/) });
  const { code, out } = await runIn(files, 'test');
  expect([code, out]).toEqual([0, expect.stringMatching(/2 passed, 0 failed\n$/)]);
});
