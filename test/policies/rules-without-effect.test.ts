import { describe, expect, it } from 'vitest';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { PolicyError } from '../../policies/policy-error.ts';
import { compileRego } from '../helpers/policy.ts';
import { type Files, inputOf } from './real-opa.ts';

const SYSTEMS = [{ name: 'pay' }, { name: 'my-crm' }];

async function problemsOf(files: Files, systems: typeof SYSTEMS | null = SYSTEMS): Promise<readonly string[]> {
  const refused = await compileRego(files, systems).catch((cause: unknown) => cause);
  if (!(refused instanceof PolicyError)) throw new Error('it was not refused', { cause: refused });
  return refused.problems;
}

/** The rules of `pay`, from line 3 on. */
const pay = (rules: string): Files => ({ 'pay.rego': `package rules.pay\n\n${rules}\n` });

describe('input that never exists', () => {
  it.each([
    ['input.action.tol == "delete_repo"', 'undefined ref: input.action.tol'],
    ['input.action.mcp.params.name == "delete_repo"', 'undefined ref: input.action.mcp.params.name'],
    ['input.action.boddy.amount > 1', 'undefined ref: input.action.boddy.amount'],
    ['object.get(input.action, "tol", "") == "x"', 'input.action.tol is never there: there is system, '],
    ['object.get(input, ["action", "boddy", "amount"], 0) > 1', 'input.action.boddy is never there: there is system, '],
    ['object.get(input, "sesion", {}) != {}', 'input.sesion is never there: there is principal, '],
    ['input.action.protocol == "grpc"', 'input.action.protocol is never "grpc" (there is http, websocket, mcp)'],
    ['"grpc" == object.get(input.action, "protocol", "")', 'input.action.protocol is never "grpc"'],
    ['input.answer.status == 200', 'input.answer is never there: there is principal, action, resource, context, usage'],
  ])('a rule with %s is refused', async (condition, problem) => {
    const problems = await problemsOf(pay(`block contains {"rule": "t"} if ${condition}`));
    expect(problems).toEqual([expect.stringContaining(`pay.rego:3: ${problem}`)]);
  });

  it('a rule that reaches such input through an alias or a function of another package is refused at its line', async () => {
    const problems = await problemsOf({
      ...pay(`block contains {"rule": "t"} if {
	action := input.action
	action.tol == "delete_repo"
}

block contains {"rule": "u"} if data.shared.names(input.action, "delete_repo")`),
      'shared.rego': 'package shared\n\nnames(action, tool) if object.get(action, "tol", "") == tool\n',
    });
    expect(problems.toSorted()).toEqual([
      expect.stringMatching(/^pay\.rego:5: undefined ref: .*tol/),
      expect.stringContaining('shared.rego:3: input.action.tol is never there'),
    ]);
  });

  it('drift rules may read the answer, but no header of it that is never shown', async () => {
    const drift = (header: string) =>
      pay(
        `drift contains {"rule": "t"} if input.answer.headers["${header}"] != input.action.headers["idempotency-key"]`,
      );
    await compileRego(drift('etag'), SYSTEMS);
    expect(await problemsOf(drift('set-cookie'))).toEqual([
      'pay.rego:3: input.answer.headers["set-cookie"] is never there: policies do not see this header',
    ]);
  });
});

describe('tools at a system that does not speak MCP', () => {
  const tools = (condition: string) => pay(`block contains {"rule": "t"} if ${condition}`);
  const MCP = [{ name: 'pay', mcp: '/mcp' }, { name: 'my-crm' }];

  it.each([
    ['input.action.tool == "refund"', 'input.action.tool'],
    ['input.action.arguments.amount > 100', 'input.action.arguments'],
    ['input.action.mcp.method == "tools/call"', 'input.action.mcp'],
    ['object.get(input.action, ["arguments", "amount"], 0) > 100', 'input.action.arguments'],
  ])(
    'a rule with %s is refused, and accepted where the system has mcp, or no configuration is known',
    async (condition, place) => {
      expect(await problemsOf(tools(condition))).toEqual([
        `pay.rego:3: ${place} is never there: the system pay has no \`mcp\` in the configuration, so its calls are no calls of tools`,
      ]);
      for (const systems of [MCP, null]) expect((await compileRego(tools(condition), systems)).rules).toHaveLength(1);
    },
  );

  it('rules for all systems may read tools', async () => {
    const all = { 'all.rego': 'package rules.all\n\nblock contains {"rule": "t"} if input.action.tool == "drop"\n' };
    expect((await compileRego(all, SYSTEMS)).rules).toHaveLength(1);
  });
});

describe('headers that are never judged', () => {
  it.each([
    [
      'input.action.headers["x-forwarded-user"] == "prod"',
      'headers["x-forwarded-user"] is never there: policy does not see the header x-forwarded-user, and the system does not get it',
    ],
    ['input.action.headers.cookie', 'headers.cookie is never there: policy never sees the header cookie'],
    ['"x" == object.get(input.action.headers, "Authorization", "")', 'headers.Authorization is never there'],
    [
      'input.action.headers["Idempotency-Key"]',
      'headers["Idempotency-Key"] is never there: policy sees the header Idempotency-Key as "idempotency-key"',
    ],
    ['not tagged', 'headers.traceparent is never there: policy does not see the header traceparent unless'],
  ])('a rule with %s is refused', async (condition, problem) => {
    const rules = `block contains {"rule": "t"} if ${condition}`;
    const tagged = '\ntagged if input.action.headers.traceparent';
    const problems = await problemsOf(pay(rules + (condition.includes('tagged') ? tagged : '')));
    expect(problems).toEqual([expect.stringMatching(/^pay\.rego:[34]: input\.action\./)]);
    expect(problems[0]).toContain(problem);
  });

  it('a rule on a header that is judged is accepted', async () => {
    const judged = pay('block contains {"rule": "t"} if input.action.headers["idempotency-key"] == "1"');
    expect((await compileRego(judged, SYSTEMS)).rules).toHaveLength(1);
  });
});

describe('packages of no system', () => {
  const rule = 'block contains {"rule": "t"}\n';

  it.each([
    ['rules.payment', 'rules.payment is never asked: there is no system "payment" in the configuration'],
    ['rules.pya', 'rules.pya is never asked: there is no system "pya" in the configuration. Did you mean rules.pay?'],
    ['rules.Pay', 'rules.Pay is never asked: there is no system "Pay" in the configuration. Did you mean rules.pay?'],
    ['rules.my_crm', 'is never asked: there is no system "my_crm" in the configuration. Did you mean rules["my-crm"]?'],
    ['rules["my-crn"]', 'rules["my-crn"] is never asked: there is no system "my-crn"'],
    ['rules.All', 'Did you mean rules.all?'],
  ])('package %s is refused', async (name, problem) => {
    const problems = await problemsOf({ 'a.rego': `# Rules.\npackage ${name}\n\n${rule}` });
    expect(problems).toEqual([expect.stringMatching(/^a\.rego:2: package /)]);
    expect(problems[0]).toContain(problem);
  });

  it('packages of systems, of all systems, and of what rules share are accepted', async () => {
    const { rules } = await compileRego(
      {
        'a.rego': `package rules.pay\n\nimport data.rules.shared\n\nblock contains {"rule": "t"} if shared.is_write\n`,
        'b.rego': `package rules["my-crm"]\n\n${rule}`,
        'c.rego': `package rules.all\n\n${rule}`,
        'd.rego': 'package rules.shared\n\nis_write if input.action.method == "POST"\n',
      },
      SYSTEMS,
    );
    expect(rules).toHaveLength(3);
  });

  it('without a configuration, a name that no system can have is refused', async () => {
    expect(await problemsOf({ 'a.rego': `package rules.Pay\n\n${rule}` }, null)).toEqual([
      'a.rego:1: package rules.Pay is never asked: names of systems are in lower case. Did you mean rules.pay?',
    ]);
    await compileRego({ 'a.rego': `package rules.payment\n\n${rule}` }, null);
  });
});

describe('rules that nothing reads', () => {
  it.each([
    [
      'holds contains {"rule": "t"} if input.action.method == "PUT"',
      'nothing reads "holds"; a rule gives allow, hold,',
    ],
    ['deny contains "no" if input.action.method == "PUT"', 'nothing reads "deny"; a rule gives allow, hold, block or'],
    ['  hodl contains {"rule": "t"}', 'is used by one that does. Did you mean "hold"?'],
    ['block_all := {{"rule": "t"}}', 'nothing reads "block_all"'],
    ['is_write(method) if method == "PUT"', 'nothing reads "is_write"'],
    ['default deny := true', 'nothing reads "deny"'],
    ['deny[x] := 1 if some x in ["a"]', 'nothing reads "deny"'],
  ])('%s is refused', async (rule, problem) => {
    const problems = await problemsOf(pay(`allow contains {"rule": "any"}\n\n${rule}`));
    expect(problems).toEqual([expect.stringMatching(/^pay\.rego:5: /)]);
    expect(problems[0]).toContain(problem);
  });

  it('a rule that only a test or another unread rule reads is refused', async () => {
    const problems = await problemsOf({
      ...pay('deny contains "no" if is_write\n\nis_write if input.action.method == "PUT"'),
      'pay_test.rego': 'package rules.pay_test\n\ntest_deny if data.rules.pay.deny with input.action.method as "PUT"\n',
    });
    expect(problems).toEqual([
      expect.stringContaining('pay.rego:3: nothing reads "deny"'),
      expect.stringContaining('pay.rego:5: nothing reads "is_write"'),
    ]);
  });

  it.each([
    'deny contains {"rule": "t"} if input.action.method == "PUT"',
    'block contains {"rule": "t"} if input.action.method == "PUT"',
    'default allow := false',
  ])('%s outside of rules.* is refused', async (rule) => {
    expect(await problemsOf({ 'pay.rego': `package pay\n\n${rule}\n` })).toEqual([
      'pay.rego:3: a rule in package pay is never asked: verdicts belong in package rules.<system> or rules.all',
    ]);
  });

  it('a library may have functions to spare', async () => {
    const library = 'package text\n\nis_long(text) if count(text) > 9\n\nis_short(text) if count(text) < 3\n';
    const rule = 'block contains {"rule": "t"} if data.text.is_long(input.action.path)';
    expect((await compileRego({ ...pay(rule), 'text.rego': library }, SYSTEMS)).rules).toHaveLength(1);
  });

  it('rules and functions that verdicts, drift rules, the mask or other packages use are accepted', async () => {
    const { rules } = await compileRego(
      {
        ...pay(`reasons contains "put" if input.action.method == "PUT"

limits := {"most": 5}

over(amount) if amount > limits.most

moved if input.answer.status == 301

secret_places := ["/input/action/body/iban"]

block contains {"rule": reason} if some reason in reasons

hold contains {"rule": "over"} if over(input.action.body.amount)

drift contains {"rule": "moved"} if moved`),
        'mask.rego': 'package system.log\n\nmask contains place if some place in data.rules.pay.secret_places\n',
        'pay_test.rego':
          'package rules.pay\n\ncall := {"action": {"method": "PUT"}}\n\ntest_put if block with input as call\n',
      },
      SYSTEMS,
    );
    expect(rules).toHaveLength(3);
  });

  it('an indented rule counts like any other', async () => {
    const { rules } = await compileRego(
      pay('  drift contains {"rule": "moved"} if input.answer.status == 301'),
      SYSTEMS,
    );
    expect(rules).toMatchObject([{ verdict: 'drift', rule: 'moved', line: 3 }]);
  });
});

describe('a byte order mark', () => {
  it('a file that begins with one is read as OPA reads it (RFC 3629 section 6)', async () => {
    const bundle = await compileRego(
      { 'pay.rego': '\uFEFFpackage rules.pay\n\nallow contains {"rule": "any"}\n\ndrift contains {"rule": "d"}\n' },
      SYSTEMS,
    );
    expect(bundle.rules).toMatchObject([
      { package: 'rules.pay', verdict: 'allow', rule: 'any', line: 3 },
      { package: 'rules.pay', verdict: 'drift', rule: 'd', line: 5 },
    ]);
    const evaluator = createEvaluator(bundle);
    expect(evaluator.decide(inputOf({ system: 'pay' })).verdict).toBe('allow');
    expect(evaluator.watches('pay')).toBe(true);
  });

  it('a mark does not hide what is wrong', async () => {
    expect(await problemsOf({ 'a.rego': '\uFEFFpackage rules.pya\n\nallow contains {"rule": "any"}\n' })).toEqual([
      expect.stringContaining('Did you mean rules.pay?'),
    ]);
    expect(await problemsOf({ 'a.rego': '\uFEFFpackage holdpoint\n\nx := 1\n' })).toEqual([
      expect.stringContaining("a.rego:1: package holdpoint is Holdpoint's own"),
    ]);
  });
});
