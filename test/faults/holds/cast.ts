import type { Decision, HoldTerms } from '../../../gateway/domain/decision.ts';
import type { HoldDraft } from '../../../gateway/domain/hold-store.ts';
import type { HeldCall } from '../../../gateway/domain/hold.ts';
import type { Principal, Reviewer } from '../../../gateway/domain/principal.ts';
import type { System } from '../../../gateway/domain/system.ts';
import type { NotifyConfig } from '../../../gateway/holds/notify/notify-config.ts';
import { draft, MINUTE, PRINCIPAL, requirement, reviewer, terms } from '../../helpers/hold.ts';

export const BEN = reviewer('ben');
export const CLEO = reviewer('cleo');
export const DAN = reviewer('dan');
export const OLGA = reviewer('olga', ['finance'], ['reviewer', 'operator']);
export const PEOPLE: readonly Reviewer[] = [reviewer('ana'), BEN, CLEO, DAN, OLGA];

export type SystemName = 'payments' | 'ledger';

/** The ledger does a call with a known `Idempotency-Key` once, and says so. */
export function systemsAt(upstream: string): readonly System[] {
  const system = (name: SystemName, idempotent: boolean): System => ({
    name,
    upstream: new URL(upstream),
    hosts: [],
    credential: { headers: [{ name: 'authorization', value: 'Bearer system' }], query: [] },
    agentCredential: { header: 'x-api-key' },
    wait: 50_000,
    bodyLimit: 2 ** 20,
    formFields: 1000,
    timeout: 30_000,
    connections: 4,
    idempotent,
  });
  return [system('payments', false), system('ledger', true)];
}

/** Everybody's messages go to one place, which is told of everything. */
export function notifyAt(upstream: string): NotifyConfig {
  const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
  return { webhooks: { ops: { url: `${upstream}/notices`, secret } }, slack: {} };
}

export const principalOf = (agent: string): Principal => ({ ...PRINCIPAL, agent });

/** A call as an agent makes it, in the same words each time. */
export type Asked = {
  readonly agent: string;
  /** Which of the agent's calls: what it says its task is. */
  readonly task: string;
  readonly system: SystemName;
  readonly amount: number;
  readonly quorum: number;
  /** Whether the agent gives the call an `Idempotency-Key`, and asks for a handle. */
  readonly keyed: boolean;
  readonly handle: boolean;
  /** Policy has a second rule for it by the time it is released. */
  readonly strict: boolean;
};

export function termsOf(quorum: number): HoldTerms {
  return terms({ requirements: [requirement(['finance'], quorum, [{ after: 10 * MINUTE, to: ['leads'] }])] });
}

export function callOf({ agent, system, task, keyed, strict, quorum }: Asked, amount: number): HeldCall {
  const json = { amount, customer: agent, ...(strict && { strict }) };
  const body = Buffer.from(JSON.stringify(json));
  const key = keyed ? ['Idempotency-Key', `${agent}-${task}`] : [];
  return {
    method: 'POST',
    target: `/${system}/refunds?quorum=${quorum}`,
    headers: ['Content-Type', 'application/json', 'Authorization', 'Bearer agent', ...key],
    body,
    input: JSON.stringify({ action: { body_bytes: body.length, body: json }, quorum }),
  };
}

export function draftOf(asked: Asked, ids: Pick<HoldDraft, 'callId' | 'decisionId'>): HoldDraft {
  const { agent, task, system, amount, quorum, keyed, handle } = asked;
  return draft(amount, {
    ...ids,
    principal: principalOf(agent),
    system,
    path: `/${system}/refunds`,
    idempotencyKey: keyed ? `${agent}-${task}` : null,
    rules: rulesOf(false),
    reason: 'asks',
    terms: termsOf(quorum),
    claims: { session: null, task, confidence: null, flags: [], reversible: null },
    handle,
    call: callOf(asked, amount),
    traceId: null,
  });
}

export function rulesOf(strict: boolean): Decision['rules'] {
  const names = ['rules.payments/refund', ...(strict ? ['rules.payments/customer'] : [])];
  return names.map((id) => ({ id, verdict: 'hold', reason: 'asks', trigger: 'rule' }));
}

/** The policy in force when a call is released. */
export function decide(input: string): Decision {
  const { action, quorum } = JSON.parse(input) as { action: { body: { strict?: boolean } }; quorum: number };
  return {
    id: 'dec_released',
    verdict: 'hold',
    rules: rulesOf(action.body.strict ?? false),
    reason: 'asks',
    obligations: [],
    alert: [],
    terms: termsOf(quorum),
    cost: null,
    policyRevision: 'p2',
    fault: null,
    decideMicros: 1,
  };
}
