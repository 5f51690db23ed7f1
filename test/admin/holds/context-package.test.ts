import { afterEach, describe, expect, test } from 'vitest';
import type { ContextPackage } from '../../../admin/api/hold-schemas.ts';
import type { AdminDeps } from '../../../admin/deps.ts';
import { openDesk, refund, REFUND, requirement, type Desk } from '../desk.ts';
import { emptyCallLog, exampleCall } from '../../helpers/call-log.ts';

let desk: Desk;
async function open(overrides: Partial<AdminDeps> = {}): Promise<Desk> {
  desk = await openDesk(overrides);
  return desk;
}
afterEach(async () => {
  await desk.close();
});

test('the context package shows the whole call, the effect of approval, and the agent’s words apart', async () => {
  await open();
  const id = await desk.hold();
  const at = (after: number) => new Date(desk.now + after).toISOString();
  const { json } = await desk.get(`/api/holds/${id}`);
  expect(json).toEqual({
    hold_id: id,
    version: 1,
    revision: 1,
    status: 'pending',
    execution: 'none',
    kind: 'approval',
    level: 2,
    created_at: at(0),
    sla_at: at(300_000),
    overdue: false,
    expires_at: at(1_800_000),
    redeem_by: null,
    decided: null,
    to: null,
    agent: {
      id: 'billing-bot',
      owner: 'ana@example.com',
      version: '1.2',
      on_behalf_of: [],
      session: 's-1',
      trace: 'a'.repeat(32),
    },
    action: {
      system: 'payments',
      operation: 'createRefund',
      method: 'POST',
      url: '/payments/v1/refunds?a=1',
      upstream: null,
      summary: 'billing-bot (owner ana@example.com) wants createRefund at payments, amount 50000 usd.',
      client: 'ACME',
      target: { type: 'refunds', id: null },
      amount: { value: 50_000, currency: 'usd' },
      reversible: true,
      headers: { 'content-type': 'application/json' },
      hidden_headers: ['authorization', 'traceparent', 'x-odd'],
      tool: null,
      tool_definition: null,
      body: { amount: 50_000, currency: 'usd', charge: 'ch_1' },
      body_text: REFUND,
      binary: null,
      readings: [],
      sent_as: null,
      body_bytes: 49,
      complete: true,
      missing: null,
      digest: refund().digest,
    },
    diff: {
      current: null,
      proposed: { amount: 50_000, currency: 'usd', charge: 'ch_1' },
      edited: null,
      edited_by: [],
    },
    draft_response: 'Dear…',
    policy: {
      rules: ['rules.payments/refund-over-limit'],
      reasons: ['more than 100 USD'],
      matched: [
        {
          rule: 'rules.payments/refund-over-limit',
          verdict: 'hold',
          reason: 'more than 100 USD',
          trigger: 'rule',
          places: [],
        },
      ],
      trigger: 'rule',
      revision: 'p1',
    },
    risk: { flags: ['unusual'], confidence: 0.4, reversible: null },
    claims: {
      task: 'T-1',
      client: 'ACME',
      version: '1.2',
      summary: '<b>safe!</b>',
      draft_response: 'Dear…',
      options: ['escalate_to_legal'],
    },
    handoff: null,
    artifacts: [],
    answer: null,
    history: { available: true, similar_30d: 0, approved_unchanged_rate: null, recent_calls: [] },
    hints: [],
    consequence:
      'Approving sends POST /payments/v1/refunds?a=1 once, with exactly the 49 bytes of body shown here, after policy has been asked again.',
    cost: { amount: 150, unit: 'USD' },
    routing: {
      groups: ['finance'],
      quorum: 1,
      approvals: 0,
      demands: [{ groups: ['finance'], quorum: 1, approvals: 0 }],
      escalates_at: at(600_000),
      assignee: expect.stringMatching(/^(ben|cleo)@example\.com$/),
      lease: null,
      votes: [],
      escalations: [],
    },
    options: ['escalate_to_legal'],
    editable: ['/amount'],
    form: { source: 'editable', schema: { '/amount': { type: 'integer' } } },
    openable: [{ place: '/amount', value: '50000', at_most: true }],
    notes: [],
    outcome: null,
    grant: null,
    attempt: null,
    resend_at: null,
    upstream_status: null,
    you_may: {
      claim: true,
      approve: true,
      edit: true,
      reject: true,
      escalate: true,
      take_over: true,
      outcome: false,
      answer: false,
      accept: false,
      return: false,
      note: true,
      cancel: false,
      why: null,
    },
    you_voted: false,
  });
});

test('the context package contains no credential', async () => {
  await open();
  expect((await desk.get(`/api/holds/${await desk.hold()}`)).text).not.toContain('agent-secret');
});

test('the context package rounds no number', async () => {
  await open();
  const text = '{"amount":9007199254740993,"rate":0.10,"tiny":1e-7,"huge":1e400}';
  const { json } = await desk.get(`/api/holds/${await desk.hold(text)}`);
  expect(json).toMatchObject({
    action: { body: { amount: '9007199254740993', rate: 0.1, tiny: 1e-7, huge: '1e400' }, body_text: text },
  });
});

test('the context package says how many approvals are missing, and from which groups', async () => {
  await open();
  const requirements = [requirement(['finance'], 2), requirement(['legal'])];
  const id = await desk.hold(REFUND, { requirements });
  expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({
    consequence: expect.stringContaining('one of 3 approvals still needed (2 of finance and 1 of legal)'),
    routing: { quorum: 2 },
  });
});

describe('history', () => {
  test('the history counts similar calls in the audit record', async () => {
    const asked: object[] = [];
    const history: AdminDeps['calls']['history'] = async (of) => {
      asked.push(of);
      return { similar_30d: 7, approved_unchanged_rate: 0.5, recent_calls: [exampleCall] };
    };
    await open({ calls: { ...emptyCallLog, history } });
    expect((await desk.get(`/api/holds/${await desk.hold()}`)).json).toMatchObject({
      history: { available: true, similar_30d: 7, approved_unchanged_rate: 0.5, recent_calls: [exampleCall] },
    });
    expect(asked).toEqual([{ agent: 'billing-bot', system: 'payments', operation: 'createRefund', except: 'call_1' }]);
  });

  test('the history is absent when the record does not answer, and the query is cancelled', async () => {
    let given: AbortSignal | undefined;
    const history: AdminDeps['calls']['history'] = (_of, signal) => {
      given = signal;
      return new Promise(() => {});
    };
    await open({ calls: { ...emptyCallLog, history } });
    expect((await desk.get(`/api/holds/${await desk.hold()}`)).json).toMatchObject({
      history: { available: false, why: 'The record did not answer within 200 ms.' },
      you_may: { approve: true },
    });
    expect(given?.aborted).toBe(true);
  });

  test('the history is absent when the record fails', async () => {
    const history = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1'));
    await open({ calls: { ...emptyCallLog, history } });
    const answer = await desk.get(`/api/holds/${await desk.hold()}`);
    expect(answer.json).toMatchObject({ history: { available: false, why: 'The record cannot be read now.' } });
    expect(answer.text).not.toContain('10.0.0.1');
  });
});

test('a rule that holds a call is shown with its text, file and line to those who may read the call', async () => {
  await open();
  const places = [{ file: 'payments.rego', line: 3 }];
  const id = await desk.hold(REFUND, {}, { rules: [{ ...refund().rules[0]!, places }] });
  const textOf = async (who: string) =>
    ((await desk.get(`/api/holds/${id}`, who)).json as ContextPackage).policy.matched[0]?.places;
  expect(await textOf('ben')).toEqual([{ ...places[0], text: 'p1 payments.rego:3' }]);
  expect(await textOf('eve')).toEqual([{ ...places[0], text: null }]);
});

test('a held call is compared with the last approved call of its shape', async () => {
  await open();
  const currentOf = async (id: string) => ((await desk.get(`/api/holds/${id}`)).json as ContextPackage).diff?.current;
  const first = await desk.hold();
  expect(await currentOf(first)).toBeNull();
  await desk.post(`/api/holds/${first}/approve`);
  // Others: rejected, of another shape, of another operation.
  const rejected = await desk.hold('{"amount":1,"currency":"eur","charge":"ch_9"}');
  await desk.post(`/api/holds/${rejected}/reject`, { body: { code: 'other' } });
  await desk.post(`/api/holds/${await desk.hold('{"amount":1}')}/approve`);
  await desk.post(
    `/api/holds/${await desk.hold('{"amount":2,"currency":"usd","charge":"x"}', {}, { operation: 'other' })}/approve`,
  );
  const id = await desk.hold('{"amount":12345678901234567890,"currency":"usd","charge":"ch_2"}');
  expect(await currentOf(id)).toEqual({
    hold_id: first,
    at: new Date(desk.now).toISOString(),
    by: 'ben@example.com',
    changes: [
      { pointer: '/amount', from: 50_000, to: '12345678901234567890' },
      { pointer: '/charge', from: 'ch_1', to: 'ch_2' },
    ],
  });
});
