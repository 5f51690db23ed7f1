import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { EVENT_TYPES, type Event } from '../../../gateway/domain/event.ts';
import { approve } from '../../helpers/data-plane.ts';
import { compileRego } from '../../helpers/policy.ts';
import { json, startScene, type Scene } from './scene.ts';

const RULES = `package rules.llm

allow contains {"rule": "small"} if not input.action.body.amount > 100

hold contains {"rule": "large", "editable": [""]} if input.action.body.amount > 100
`;

const DRIFT = `
drift contains {"rule": "other-amount", "reason": $"asked for {input.action.body.amount}, got {input.answer.body.amount}"} if {
	input.answer.status == 200
	input.answer.body.amount != input.action.body.amount
}

drift contains {"rule": "other-version"} if input.answer.headers["request-id"] == "old"

drift contains {"rule": "sees-cookies"} if {
	some name, _ in input.answer.headers
	contains(name, "cookie")
}
`;

let scene: Scene;

beforeAll(async () => {
  scene = await startScene({ 'llm.rego': `${RULES}${DRIFT}` }, {});
});

afterAll(() => scene?.close());

const drifted = (events: readonly Event[]) => events.filter(({ type }) => type === 'call.drifted');

async function results(): Promise<Record<string, number>> {
  const metric = await scene.plane.registry.getSingleMetric('holdpoint_drift_checks_total')!.get();
  return Object.fromEntries(metric.values.map(({ labels, value }) => [String(labels['result']), value]));
}

/** The drift found in one call, once it has ended, and how the check was counted. */
async function found(path: string, body: object): Promise<{ readonly events: Event[]; readonly counted: string[] }> {
  const before = await results();
  await (await scene.call(path, body)).arrayBuffer().catch(() => null);
  const events = drifted(await scene.ended(path));
  const after = await results();
  return { events, counted: Object.keys(after).filter((each) => after[each] !== before[each]) };
}

describe('answers that contradict the decision', () => {
  test('drift is recorded once, with the rules that found it, after the agent has the unchanged answer', async () => {
    scene.answers((response) => json(response, { amount: 500 }, { 'request-id': 'old', 'set-cookie': 'secret=1' }));
    const answer = await scene.call('/pay', { amount: 50 });
    expect(await answer.json()).toEqual({ amount: 500 });
    const events = await scene.ended('/pay');
    const [event, ...others] = drifted(events);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'call.drifted',
      layer: 'record',
      failure: 'system-drifted',
      rules: ['rules.llm/other-amount', 'rules.llm/other-version'],
      reason: 'Rule rules.llm/other-version finds that the answer contradicts the decision. asked for 50, got 500',
      policy_revision: scene.plane.decider.revision(),
      verdict: 'allow',
      agent: 'billing-bot',
      owner: 'ana@example.com',
      system: 'llm',
      operation: 'POST /pay',
      path: '/pay',
      status: 200,
      channel: 'agent',
      actor: 'policy',
    });
    const { decision_id, call_id } = events.find(({ type }) => type === 'call.decided')!;
    expect(event).toMatchObject({ decision_id, call_id });
    const allowed = new Set<string>([...EVENT_TYPES['call.drifted'].has, ...EVENT_TYPES['call.drifted'].may]);
    expect(Object.keys(event!).filter((member) => !allowed.has(member))).toEqual([]);
    expect(scene.plane.logged.filter(({ rules }) => rules !== undefined)).toMatchObject([
      { call_id, msg: 'an answer contradicts what was decided', level: 40 },
    ]);
  });

  test('drift is found in a compressed answer in pieces, and in one larger than a packet', async () => {
    const bytes = gzipSync(JSON.stringify({ amount: 7, text: 'lorem ipsum'.repeat(10_000) }));
    scene.answers((response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.pay+json', 'content-encoding': 'gzip' });
      for (let at = 0; at < bytes.length; at += 100) response.write(bytes.subarray(at, at + 100));
      response.end();
    });
    expect(await found('/gzip', { amount: 5 })).toMatchObject({
      events: [{ reason: 'asked for 5, got 7' }],
      counted: ['found'],
    });
  });

  test('drift is found in a digit that JavaScript would round', async () => {
    scene.answers((response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"amount":1.00000000000000000001}'),
    );
    expect((await found('/exact', { amount: 1 })).events).toHaveLength(1);
  });
});

describe('answers without drift', () => {
  test('an answer that matches the decision is not recorded as drift', async () => {
    scene.answers((response) => json(response, { amount: 50 }));
    expect(await found('/same', { amount: 50 })).toEqual({ events: [], counted: ['none'] });
  });

  const unread: readonly [what: string, respond: Parameters<Scene['answers']>[0]][] = [
    ['that is no JSON', (response) => json(response, 'x', { 'content-type': 'text/plain' })],
    [
      'that is damaged',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"amount":'),
    ],
    ['that is too large', (response) => json(response, { amount: 7, text: 'x'.repeat(2 ** 18) })],
    [
      'that blows up',
      (response) => {
        const bomb = gzipSync(JSON.stringify({ amount: 7, text: '0'.repeat(2 ** 24) }));
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end(bomb);
      },
    ],
    [
      'that broke off',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"amount":7}', () => response.destroy());
      },
    ],
    [
      'that is a stream of events',
      (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: {"amount":7}\n\n'),
    ],
  ];
  test.for(unread)('an answer %s is counted as unread, and the call succeeds', async ([, respond]) => {
    scene.answers(respond);
    expect(await found('/unread', { amount: 5 })).toEqual({ events: [], counted: ['unread'] });
  });

  test('drift rules do not run for a call without an answer', async () => {
    scene.answers((response) => response.destroy());
    expect(await found('/never', { amount: 5 })).toEqual({ events: [], counted: [] });
  });
});

describe('drift in the answers to held calls', () => {
  async function hold(amount: number, headers: Record<string, string> = {}) {
    const answered = scene.call('/held', { amount }, headers);
    const pending = async () => (await scene.plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
    await expect.poll(pending).toBeDefined();
    return { answered, id: (await pending())!.id };
  }
  const expected = {
    type: 'call.drifted',
    rules: ['rules.llm/other-amount'],
    failure: 'system-drifted',
    verdict: 'hold',
  };

  test('the answer to a held call is compared with what was released, and recorded with the release', async () => {
    scene.answers((response) => json(response, { amount: 999 }));
    const { answered, id } = await hold(500);
    await approve(scene.plane.store, id);
    expect((await answered).status).toBe(200);
    const events = await scene.ended('/held');
    expect(drifted(events)).toMatchObject([
      { ...expected, hold_id: id, reason: 'asked for 500, got 999', status: 200 },
    ]);
    expect((await scene.plane.store.holds.find(id))!.execution).toBe('executed');
  });

  test('the answer to a held call is compared also if it is released for a caller who left', async () => {
    scene.answers((response) => json(response, { amount: 998 }));
    const { answered, id } = await hold(501, { prefer: 'respond-async' });
    expect((await answered).status).toBe(202);
    await scene.control.release(await approve(scene.plane.store, id), null);
    const events = await scene.ended('/held');
    expect(drifted(events)).toMatchObject([{ ...expected, hold_id: id, reason: 'asked for 501, got 998' }]);
  });
});

describe('drift rules', () => {
  test('failing drift rules are logged and harm no call', async () => {
    const original = createEvaluator(await compileRego({ 'llm.rego': `${RULES}${DRIFT}` }));
    const rego = `${RULES}\ndrift contains {"rule": "fails", "reason": json.marshal(numbers.range(1, 200000))} if input.answer.status\n`;
    scene.plane.decider.swap(createEvaluator(await compileRego({ 'llm.rego': rego })));
    scene.answers((response) => json(response, { amount: 7 }));
    expect((await scene.call('/fails', { amount: 5 })).status).toBe(200);
    expect(await found('/fails', { amount: 5 })).toEqual({ events: [], counted: ['failed'] });
    expect(scene.plane.logged.findLast(({ fault }) => fault !== undefined)).toMatchObject({
      msg: 'the drift rules of the policy failed; the call had its answer',
      level: 50,
    });
    scene.plane.decider.swap(original);
    expect((await found('/again', { amount: 5 })).counted).toEqual(['found']);
  });

  test("drift rules of another system do not see this system's calls", async () => {
    const rego = {
      'llm.rego': RULES,
      'other.rego': 'package rules.other\n\ndrift contains {"rule": "any"} if input.answer\n',
    };
    const original = createEvaluator(await compileRego({ 'llm.rego': `${RULES}${DRIFT}` }));
    scene.plane.decider.swap(createEvaluator(await compileRego(rego)));
    scene.answers((response) => json(response, { amount: 7 }));
    expect(await found('/other', { amount: 5 })).toEqual({ events: [], counted: [] });
    scene.plane.decider.swap(original);
  });
});
