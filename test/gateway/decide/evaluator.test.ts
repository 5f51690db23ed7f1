import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createEvaluator, createEvaluatorMeanwhile } from '../../../gateway/decide/evaluator.ts';
import { bundleRevision, READS_ANYTHING } from '../../../gateway/domain/bundle.ts';
import { compiledBare, inputOf } from '../../policies/real-opa.ts';
import { compileRego } from '../../helpers/policy.ts';

const evaluatorOf = async (rego: string) => createEvaluator(await compileRego({ 'rules/crm.rego': rego }));
const evaluatorOfDecision = async (rego: string) =>
  createEvaluator(await compiledBare({ 'decision.rego': rego }, ['holdpoint/decision']));

describe('decisions', () => {
  it('a call is allowed when only an allow rule matches, and the decision names the rule', async () => {
    const { decide, revision } = await evaluatorOf('package rules.crm\n\nallow contains {"rule": "any"}\n');
    const decision = decide(inputOf());
    expect(decision).toMatchObject({
      verdict: 'allow',
      rules: [{ id: 'rules.crm/any', verdict: 'allow', reason: null }],
      obligations: [],
      terms: null,
      fault: null,
      policyRevision: revision,
    });
    expect(decision.id).toMatch(/^dec_[0-9a-f]{32}$/);
  });

  it('each rule of a decision has its own verdict, and every place that defines it', async () => {
    const { decide } = createEvaluator(
      await compileRego({
        'rules/crm.rego': `package rules.crm

allow contains {"rule": "any"}

hold contains {"rule": "big", "reason": "Too big."}

name := "computed"

hold contains {"rule": name}

hold contains {"rule": "any", "level": 4}
`,
        'rules/more/crm.rego': 'package rules.crm\n\nhold contains {"rule": "big", "reason": "Really."}\n',
        'rules/all.rego': 'package rules.all\n\nallow contains {"rule": "any"}\n',
      }),
    );
    const crm = (line: number) => ({ file: 'rules/crm.rego', line });
    const big = [crm(5), { file: 'rules/more/crm.rego', line: 3 }];
    const found = decide(inputOf()).rules.map(({ id, verdict, places }) => ({ id, verdict, places }));
    expect(found).toHaveLength(6);
    expect(found).toEqual(
      expect.arrayContaining([
        { id: 'rules.crm/any', verdict: 'block', places: [crm(11)] },
        { id: 'rules.crm/big', verdict: 'hold', places: big },
        { id: 'rules.crm/big', verdict: 'hold', places: big },
        { id: 'rules.crm/computed', verdict: 'hold', places: [crm(9)] },
        { id: 'rules.all/any', verdict: 'allow', places: [{ file: 'rules/all.rego', line: 3 }] },
        { id: 'rules.crm/any', verdict: 'allow', places: [crm(3)] },
      ]),
    );
    expect(decide(inputOf()).rules).toBe(decide(inputOf()).rules);
  });

  it('a decision of no rule names no place', async () => {
    const { decide } = await evaluatorOf('package rules.crm\n\nallow contains {"rule": "never"} if 1 == 2\n');
    expect(decide(inputOf()).rules).toEqual([
      { id: 'holdpoint/default', verdict: 'block', reason: expect.any(String), trigger: 'rule' },
    ]);
  });

  it('a call is held under the terms of its rule, with defaults for missing terms', async () => {
    const { decide } = await evaluatorOf(`package rules.crm

hold contains {"rule": "big", "reason": "Too big.", "reviewers": ["finance"], "editable": ["/amount"]}
allow contains {"rule": "any"}
`);
    expect(decide(inputOf())).toMatchObject({
      verdict: 'hold',
      reason: 'Too big.',
      rules: [{ id: 'rules.crm/big' }, { id: 'rules.crm/any' }],
      terms: {
        level: 2,
        requirements: [{ groups: ['finance'], quorum: 1, escalate: [] }],
        expiresIn: 1_800_000,
        respondWithin: 900_000,
        editable: ['/amount'],
        ownerMayApprove: false,
      },
    });
  });

  it('a call is blocked when a rule for all systems blocks it, whatever its system allows', async () => {
    const bundle = await compileRego({
      'rules/crm.rego': 'package rules.crm\n\nallow contains {"rule": "any"}\n',
      'rules/all.rego': 'package rules.all\n\nblock contains {"rule": "frozen", "reason": "Nothing today."}\n',
    });
    expect(createEvaluator(bundle).decide(inputOf())).toMatchObject({
      verdict: 'block',
      reason: 'Nothing today.',
      rules: [{ id: 'rules.all/frozen' }, { id: 'rules.crm/any' }],
      fault: null,
    });
  });

  it('a call to a system without rules is blocked', async () => {
    const { decide } = await evaluatorOf('package rules.crm\n\nallow contains {"rule": "any"}\n');
    expect(decide(inputOf({ system: 'payroll' }))).toMatchObject({
      verdict: 'block',
      rules: [{ id: 'holdpoint/default', verdict: 'block' }],
      fault: null,
    });
  });

  it('a hold of level 4 blocks', async () => {
    const { decide } = await evaluatorOf(
      'package rules.crm\n\nhold contains {"rule": "never", "reason": "Never.", "level": 4}\n',
    );
    expect(decide(inputOf())).toMatchObject({ verdict: 'block', reason: 'Never.', terms: null, fault: null });
  });

  it('the rules of a system are found even if its name is not an identifier', async () => {
    const { decide } = await evaluatorOf('package rules["my-crm"]\n\nallow contains {"rule": "any"}\n');
    expect(decide(inputOf({ system: 'my-crm' }))).toMatchObject({
      verdict: 'allow',
      rules: [{ id: 'rules.my-crm/any' }],
    });
  });

  it('policy data keeps numbers as exact as they were written', async () => {
    const bundle = await compileRego({
      'limits/data.json': '{"most": 9007199254740993}',
      'rules/crm.rego':
        'package rules.crm\n\nallow contains {"rule": "same"} if input.action.body.amount == data.limits.most\n',
    });
    const exact = inputOf({ body: { amount: 1 } }).replace('"amount":1', '"amount":9007199254740993');
    expect(createEvaluator(bundle).decide(exact).verdict).toBe('allow');
    expect(createEvaluator(bundle).decide(exact.replace('993', '992')).verdict).toBe('block');
  });

  it('an evaluation sees one moment throughout', async () => {
    const bundle = await compileRego({
      'rules/crm.rego': `package rules.crm

allow contains {"rule": "frozen", "reason": $"{time.now_ns()}"} if time.now_ns() == data.rules.clock.now
`,
      'rules/clock.rego': 'package rules.clock\n\nnow := time.now_ns()\n',
    });
    let ticks = 1_795_000_000_000;
    const { decide } = createEvaluator(bundle, { clock: () => ticks++ });
    expect(decide(inputOf())).toMatchObject({ verdict: 'allow', reason: '1795000000000000000' });
    expect(decide(inputOf())).toMatchObject({ verdict: 'allow', reason: '1795000000001000000' });
  });
});

describe('failing policies', () => {
  const malformed: Record<string, string> = {
    'a hold of level 1': 'hold contains {"rule": "r", "level": 1}',
    'an entry without a rule name': 'allow contains {"reason": "x"}',
    'an entry that is no object': 'allow contains "everything"',
    'a misspelt member, which would widen who may approve': 'hold contains {"rule": "r", "reviwers": ["finance"]}',
    'a duration without unit': 'hold contains {"rule": "r", "expires_in": "30"}',
    'a duration of nothing': 'hold contains {"rule": "r", "expires_in": "0s"}',
    'an expiry that lets the call through': 'hold contains {"rule": "r", "on_expiry": "allow"}',
    'an expiry with nobody to go to': 'hold contains {"rule": "r", "on_expiry": "escalate"}',
    'a quorum of nobody': 'hold contains {"rule": "r", "quorum": 0}',
    'an obligation without a type': 'allow contains {"rule": "r", "obligations": [{"name": "x"}]}',
    'a malformed allow beside a sound block': 'block contains {"rule": "r"}\n\nallow contains 1',
  };
  for (const [what, rule] of Object.entries(malformed)) {
    it(`a malformed entry blocks with a fault: ${what}`, async () => {
      const decision = (await evaluatorOf(`package rules.crm\n\n${rule}\n`)).decide(inputOf());
      expect(decision).toMatchObject({ verdict: 'block', terms: null, obligations: [] });
      expect(decision.fault).toMatch(/^malformed decision: /);
    });
  }

  it('the fault names the place of the malformed member', async () => {
    const { decide } = await evaluatorOf('package rules.crm\n\nhold contains {"rule": "r", "expires_in": "30"}\n');
    expect(decide(inputOf()).fault).toBe(
      'malformed decision: hold.crm[0].expires_in: expected a duration with its unit, such as 250ms, 50s, 30m, 8h or 2d',
    );
  });

  const answers: Record<string, string> = {
    'is undefined': 'decision := {"verdict": "allow"} if false',
    'is null': 'decision := null',
    'is empty': 'decision := {}',
    'is a bare word': 'decision := "allow"',
    'allows without any rule':
      'decision := {"verdict": "allow", "system": "crm", "block": {}, "hold": {}, "allow": {}}',
    'allows against a hold':
      'decision := {"verdict": "allow", "system": "crm", "block": {}, "hold": {"crm": [{"rule": "r"}]}, "allow": {"crm": [{"rule": "a"}]}}',
  };
  for (const [what, rule] of Object.entries(answers)) {
    it(`a call is blocked with a fault when its decision ${what}`, async () => {
      const decision = (await evaluatorOfDecision(`package holdpoint\n\n${rule}\n`)).decide(inputOf());
      expect(decision).toMatchObject({ verdict: 'block', rules: [{ id: 'holdpoint/fault' }] });
      expect(decision.fault).not.toBeNull();
    });
  }

  it('a call is blocked with a fault when evaluation aborts, and the next call is decided', async () => {
    const { decide } = await evaluatorOf(`package rules.crm

limit := 1

limit := 2 if input.action.body == "clash"

allow contains {"rule": "any"} if limit == 1
`);
    const clash = decide(inputOf({ body: 'clash' }));
    expect(clash).toMatchObject({ verdict: 'block', rules: [{ id: 'holdpoint/fault' }] });
    expect(clash.fault).toMatch(/conflict/);
    expect(decide(inputOf({ body: 'fine' })).verdict).toBe('allow');
  });

  it('an evaluation that takes too long ends with a fault that names its rule, and the next call is decided', async () => {
    const { decide } = await evaluatorOf(`package rules.crm

allow contains {"rule": "any"}

numbers := [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]

block contains {"rule": "slow"} if {
	input.action.body == "slow"
	some a in numbers
	some b in numbers
	some c in numbers
	some d in numbers
	some e in numbers
	some f in numbers
	a + b + c + d + e + f == 0
}
`);
    expect(decide(inputOf({ body: 'slow' }))).toMatchObject({
      verdict: 'block',
      fault: 'the evaluation took over 50 ms, in rules.crm.block',
    });
    expect(decide(inputOf({ body: 'fast' })).verdict).toBe('allow');
  });

  it('a number with a huge exponent and a huge range end an evaluation in time (R11)', async () => {
    const { decide } = await evaluatorOf(`package rules.crm

allow contains {"rule": "number"} if to_number(input.action.body.amount) > 0

block contains {"rule": "range"} if count(numbers.range(1, input.action.body.last)) > 0

block contains {"rule": "power"} if input.action.body.power * 3 > input.action.body.power
`);
    expect(decide(inputOf({ body: { amount: '1e999999999' } })).verdict).toBe('block');
    expect(decide(inputOf({ body: { amount: '5' } })).verdict).toBe('allow');
    expect(decide(inputOf({ body: { last: 1e9 } })).fault).toMatch(/range of 1000000000 numbers is too long/);
    decide(inputOf({ body: { power: '@' } }).replace('"@"', '1e999999999'));
    expect(decide(inputOf({ body: { amount: '5' } })).verdict).toBe('allow');
  });
});

describe('hostile input', () => {
  const careless = 'package rules.crm\n\nallow contains {"rule": "any"} if not input.action.body.bad\n';

  it('unreadable input does not satisfy a rule with `not`', async () => {
    const { decide } = await evaluatorOf(careless);
    for (const input of ['', 'nonsense', '{"action": {"system": "crm"', inputOf().slice(0, -1), '[]', 'null', '{}']) {
      expect(decide(input)).toMatchObject({ verdict: 'block', rules: [{ id: 'holdpoint/fault' }] });
    }
    expect(decide(inputOf()).verdict).toBe('allow');
  });

  it('input nested beyond any sensible depth is refused, and the next call is decided', async () => {
    const { decide } = await evaluatorOf(careless);
    const deep = inputOf({ body: 0 }).replace('"body":0', `"body":${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(decide(deep)).toMatchObject({ verdict: 'block', rules: [{ id: 'holdpoint/fault' }] });
    expect(decide(inputOf()).verdict).toBe('allow');
  });

  it('input beyond the size limit is refused', async () => {
    const { decide } = createEvaluator(await compileRego({ 'rules/crm.rego': careless }), { inputLimit: 2000 });
    expect(decide(inputOf({ body: 'x'.repeat(2000) })).fault).toMatch(/over the limit/);
    expect(decide(inputOf({ body: 'x' })).verdict).toBe('allow');
  });

  it('large input is decided in more memory, and the next call is decided', async () => {
    const bundle = await compileRego({
      'rules/crm.rego': 'package rules.crm\n\nallow contains {"rule": "last"} if input.action.body[199999] == "é🎈"\n',
    });
    const { decide } = createEvaluator(bundle, { memoryKept: 1 });
    const large = inputOf({ body: Array.from({ length: 200_000 }, () => 'é🎈') });
    expect(decide(large).verdict).toBe('allow');
    expect(decide(inputOf()).verdict).toBe('block');
    expect(decide(large).verdict).toBe('allow');
  });

  it('input keeps NUL, quotes and characters of every plane apart', async () => {
    const { decide } = await evaluatorOf(
      'package rules.crm\n\nallow contains {"rule": "echo", "reason": input.action.body}\n',
    );
    for (const text of ['a\0b', '"\\\n', 'é€😀\u{10ffff}', '\u2028', 'x'.repeat(5000)])
      expect(decide(inputOf({ body: text })).reason).toBe(text);
  });
});

describe('bundles', () => {
  it('a bundle is refused when it needs built-ins that the gateway lacks, each by name', async () => {
    const bundle = await compiledBare(
      {
        'decision.rego':
          'package holdpoint\n\ndecision if {\n\thttp.send({"method": "get", "url": "http://localhost"})\n\trand.intn("x", 5)\n}\n',
      },
      ['holdpoint/decision'],
    );
    expect(() => createEvaluator(bundle)).toThrow(
      'the policy uses built-ins that the gateway does not provide: http.send, rand.intn',
    );
  });

  it('a bundle that is not WebAssembly is refused', () => {
    const wasm = new TextEncoder().encode('nonsense');
    const contents = { wasm, data: '{}', reads: READS_ANYTHING, sources: '', opa: '', rules: [], readsUsage: false };
    const bundle = { revision: bundleRevision(contents), ...contents };
    expect(() => createEvaluator(bundle)).toThrow(/WebAssembly/);
  });

  it('a bundle without a decision blocks every call with a fault', async () => {
    const bundle = await compiledBare({ 'x.rego': 'package x\n\ny := input.a\n' }, ['x/y']);
    const { decide, evaluate } = createEvaluator(bundle);
    expect(decide(inputOf())).toMatchObject({ verdict: 'block', fault: 'the bundle has no holdpoint/decision' });
    expect(evaluate('x/y', '{"a": [1]}')).toEqual([1]);
    expect(evaluate('x/y', '{}')).toBeUndefined();
    expect(() => evaluate('x/z', '{}')).toThrow('no entrypoint x/z');
  });

  it('a bundle decides the same after warming up', async () => {
    const evaluator = await evaluatorOf('package rules.crm\n\nallow contains {"rule": "any"}\n');
    await evaluator.warm();
    expect(evaluator.decide(inputOf()).verdict).toBe('allow');
  });

  it('a bundle that is loaded while calls are served decides the same, in the same order', async () => {
    const bundle = await compileRego({
      'p.rego': 'package rules.crm\n\nallow contains {"rule": name} if some name in {"c", "a", "b"}\n',
    });
    const evaluator = await createEvaluatorMeanwhile(bundle);
    expect(evaluator.decide(inputOf()).rules.map(({ id }) => id)).toEqual(
      createEvaluator(bundle)
        .decide(inputOf())
        .rules.map(({ id }) => id),
    );
    expect(evaluator.evaluate('holdpoint/decision', inputOf())).toMatchObject({ verdict: 'allow' });
  });

  it('other work goes on while a bundle is loaded', async () => {
    const bundle = await compileRego({ 'p.rego': 'package rules.crm\n\nallow contains {"rule": "any"}\n' });
    let [turns, loaded] = [0, false];
    const loading = createEvaluatorMeanwhile(bundle).then(() => (loaded = true));
    while (!loaded) {
      turns += 1;
      await setImmediate();
    }
    await loading;
    // At least while the module is adapted, and while it is compiled.
    expect(turns).toBeGreaterThan(2);
  });

  it('a bundle loads however large it is', async () => {
    const values = Array.from({ length: 100_000 }, (_, index) => `"key-${index}": "${'x'.repeat(40)}"`);
    const bundle = await compileRego({
      'large/data.json': `{${values.join(',')}}`,
      'rules/crm.rego': 'package rules.crm\n\nallow contains {"rule": "known"} if data.large[input.action.body]\n',
    });
    const { decide } = createEvaluator(bundle);
    expect(decide(inputOf({ body: 'key-99999' })).verdict).toBe('allow');
    expect(decide(inputOf({ body: 'key-100000' })).verdict).toBe('block');
  });
});
