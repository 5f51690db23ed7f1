import type { Decision, HoldTerms } from '../../../gateway/domain/decision.ts';
import type { HoldDraft } from '../../../gateway/domain/hold-store.ts';
import type { DigestAction, HeldCall } from '../../../gateway/domain/hold.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';
import type { System } from '../../../gateway/domain/system.ts';
import { actionDigest } from '../../../gateway/holds/binding.ts';
import type { NotifyConfig } from '../../../gateway/holds/notify/notify-config.ts';

export const KEY = Buffer.alloc(32, 7);
export const MINUTE = 60_000;
export const OWNER = 'ana@example.com';

const person = (id: string, roles: readonly string[] = ['reviewer']): Reviewer => ({ id, groups: ['finance'], roles });
export const BEN = person('ben@example.com');
export const CLEO = person('cleo@example.com');
export const DAN = person('dan@example.com');
export const OLGA = person('olga@example.com', ['reviewer', 'operator']);
export const PEOPLE: readonly Reviewer[] = [person(OWNER), BEN, CLEO, DAN, OLGA];

export type SystemName = 'payments' | 'ledger';

/** The ledger does a call with a known `Idempotency-Key` once, and says so. */
export function systemsAt(upstream: string): readonly System[] {
  const system = (name: SystemName, idempotent: boolean): System => ({
    name,
    upstream: new URL(upstream),
    hosts: [],
    credential: { header: 'authorization', value: 'Bearer system' },
    agentCredential: { header: 'x-api-key' },
    wait: 50_000,
    bodyLimit: 2 ** 20,
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

export const digest: DigestAction = ({ principal, system }, { method, target, headers, body }) =>
  actionDigest({
    agent: principal.agent,
    onBehalfOf: principal.onBehalfOf,
    method,
    url: `/${system}${target}`,
    headers,
    body,
    credentialHeader: 'x-api-key',
  });

export const principalOf = (agent: string) => ({ agent, owner: OWNER, roles: [], onBehalfOf: [] });

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
  return {
    level: 2,
    requirements: [{ groups: ['finance'], quorum, escalate: [{ after: 10 * MINUTE, to: ['leads'] }] }],
    expiresIn: 30 * MINUTE,
    respondWithin: 15 * MINUTE,
    onExpiry: 'block',
    editable: ['/amount'],
    ownerMayApprove: false,
    reversible: true,
  };
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
  const principal = principalOf(agent);
  const call = callOf(asked, amount);
  const whose = { principal, system };
  return {
    ...ids,
    principal,
    system,
    operation: 'createRefund',
    method: call.method,
    path: `/${system}/refunds`,
    digest: digest(whose, call),
    envelope: digest(whose, { ...call, body: Buffer.alloc(0) }),
    idempotencyKey: keyed ? `${agent}-${task}` : null,
    rules: rulesOf(false),
    trigger: 'rule',
    reason: 'asks',
    policyRevision: 'p1',
    terms: termsOf(quorum),
    cost: null,
    claims: { session: null, task, confidence: null, flags: [], reversible: null },
    handle,
    call,
    traceId: null,
  };
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
