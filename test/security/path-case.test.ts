import { beforeAll, describe, expect, test } from 'vitest';
import { createDecider, type Decider } from '../../gateway/decide/decider.ts';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { createDescriber } from '../../gateway/describe/http/http-call.ts';
import { isOtherCase, withRepeat } from '../../gateway/domain/policy-input.ts';
import type { PathRules } from '../../gateway/domain/system.ts';
import { testArrival, testSystem } from '../gateway/describe/http/arrival.ts';
import { compileRego } from '../helpers/policy.ts';

/** Rules over paths as security teams write them. */
const REGO = `package rules.payments

allow contains {"rule": "reading"} if input.action.method == "GET"

allow contains {"rule": "posts", "reason": "Posts are public."} if input.action.segments == ["posts"]

allow contains {"rule": "posting"} if input.action.segments == ["chat.postMessage"]

block contains {"rule": "admin", "reason": "admin is closed."} if input.action.segments[0] == "admin"

block contains {"rule": "paths"} if startswith(input.action.path, "/Internal/")

block contains {"rule": "operation"} if input.action.operation == "GET /Users/{id}"

block contains {"rule": "pattern"} if regex.match("^/(root|sudo)/", input.action.path)

block contains {"rule": "data"} if input.action.segments[0] in data.closed

hold contains {"rule": "unknown", "reviewers": ["ops"]} if {
	input.action.segments[0] == "Sessions"
	not input.action.segments[1] in {"Open", "Close"}
	not input.action.other_case
}
`;

describe('a system that may ignore the case of paths', () => {
  let policy: Decider;
  let verdictOn: (line: string, path?: PathRules) => string;

  beforeAll(async () => {
    const bundle = await compileRego({ 'payments.rego': REGO, 'data.json': '{"closed": ["Vault"]}' });
    policy = createDecider(createEvaluator(bundle));
    verdictOn = (line, path) => {
      const call = createDescriber(testSystem(path && { path }), policy)(testArrival(line));
      return policy.decide(call.input, call.otherReadings).verdict;
    };
  });

  test.each([
    ['a segment', 'GET /Admin/users'],
    ['a segment in capitals', 'GET /ADMIN'],
    ['an encoded segment', 'GET /%41dmin'],
    ['a segment that is encoded without need', 'GET /v%61u%6Ct'],
    ['a path', 'GET /internal/keys'],
    ['an operation', 'GET /users/42'],
    ['a pattern', 'GET /Root/x'],
    ['data', 'GET /VAULT/x'],
    ['a segment after an encoded slash', 'GET /Admin%2Fusers'],
  ])('%s in another case than in a rule that blocks is blocked', (_, line) => {
    expect(verdictOn(line)).toBe('block');
    expect(verdictOn(line, { case: 'sensitive', encodedSlash: 'separator' })).not.toBe('block');
  });

  test.each([
    ['a name that only a rule that allows has', 'POST /chat.postMessage', 'allow'],
    ['a name that a reason has in another case', 'POST /posts', 'allow'],
    ['a name that no rule has', 'GET /Accounts/AC1/Messages.json', 'allow'],
    ['a name in the case of the rule', 'GET /Sessions/Open', 'allow'],
  ])('%s is judged as sent', (_, line, verdict) => {
    expect(verdictOn(line)).toBe(verdict);
  });

  test('a name of a rule that allows in another case is not allowed', () => {
    expect(verdictOn('POST /chat.postmessage')).toBe('block');
  });

  test('a verdict on another reading of the path names what an operator can declare', () => {
    const call = createDescriber(testSystem(), policy)(testArrival('GET /Admin'));
    expect(policy.decide(call.input, call.otherReadings).reason).toBe(
      'admin is closed. Systems could read its path in several ways, and this is the verdict on one of them. If this system ' +
        'reads it in one way only, an operator can declare that under `path` in its configuration.',
    );
    const usual = createDescriber(testSystem(), policy)(testArrival('GET /admin'));
    expect(policy.decide(usual.input, usual.otherReadings).reason).toBe('admin is closed.');
  });

  test('a rule for all names but some can leave out other cases', () => {
    expect(verdictOn('GET /sessions/Open')).toBe('allow');
    expect(verdictOn('GET /Sessions/other')).toBe('hold');
  });

  test('a policy that comes into force brings its own words', async () => {
    const changing = createDecider(createEvaluator(await compileRego({ 'payments.rego': REGO })));
    const describeCall = createDescriber(testSystem(), changing);
    const readings = () => describeCall(testArrival('GET /Later')).otherReadings.length;
    const after = createEvaluator(await compileRego({ 'payments.rego': REGO.replaceAll('"admin"', '"later"') }));
    expect(readings()).toBe(0);
    changing.swap(after);
    expect(readings()).toBe(1);
  });

  test('an agent cannot pretend that a reading is in another case', () => {
    const forged = '{"action":{"other_case":true,"x":1}}';
    const head = { 'Content-Type': 'application/json', 'Agent-Context': `task=${JSON.stringify(forged)}` };
    const call = createDescriber(testSystem(), policy)(testArrival('POST /a%2Fb', head, forged));
    expect(call.otherReadings.map(isOtherCase)).toEqual([false]);
    const other = createDescriber(testSystem(), policy)(testArrival('POST /Admin', head, forged));
    expect(other.otherReadings.map(isOtherCase)).toEqual([true]);
    expect(other.otherReadings.map((input) => isOtherCase(withRepeat(input, '{"count":1}')))).toEqual([true]);
  });
});
