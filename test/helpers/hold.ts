import type { HoldTerms, Requirement } from '../../gateway/domain/decision.ts';
import type { HandoffDraft, HoldDraft } from '../../gateway/domain/hold-store.ts';
import type { CallHold, HandoffHold, HeldCall } from '../../gateway/domain/hold.ts';
import { createId } from '../../gateway/domain/id.ts';
import type { Principal, Reviewer } from '../../gateway/domain/principal.ts';
import { createDigest } from '../../gateway/holds/binding.ts';
import { newHandoff, newHold } from '../../gateway/holds/new-hold.ts';

export const MINUTE = 60_000;

/** With which stores of tests are encrypted. */
export const KEY = Buffer.alloc(32, 7);

/** Of calls to systems that take tokens in the usual header. */
export const digest = createDigest(new Map());

export const PRINCIPAL: Principal = {
  agent: 'billing-bot',
  owner: 'ana@example.com',
  roles: ['payer'],
  onBehalfOf: [],
};

/** People who decide have an address at example.com; by default they are in finance. */
export function reviewer(
  name: string,
  groups: readonly string[] = ['finance'],
  roles: readonly string[] = ['reviewer'],
): Reviewer {
  return { id: `${name}@example.com`, groups, roles };
}

/** So many people of these groups, who are joined later by those of the chain. */
export function requirement(
  groups: readonly string[],
  quorum = 1,
  escalate: Requirement['escalate'] = [],
): Requirement {
  return { groups, quorum, escalate };
}

/** One of finance approves within half an hour, and may change the amount. */
export function terms(changes: Partial<HoldTerms> = {}): HoldTerms {
  return {
    level: 2,
    requirements: [requirement(['finance'])],
    expiresIn: 30 * MINUTE,
    respondWithin: 15 * MINUTE,
    onExpiry: 'block',
    editable: ['/amount'],
    ownerMayApprove: false,
    reversible: true,
    ...changes,
  };
}

export const ONE_OF_FINANCE = terms();
export const TWO_OF_FINANCE = terms({ requirements: [requirement(['finance'], 2)] });

/** A refund of so much, as it is kept: with what policy was shown. */
export function refundCall(amount: number): HeldCall {
  const body = { amount, currency: 'usd' };
  const input = {
    principal: { agent: PRINCIPAL.agent, session: 's-1' },
    action: { body, headers: { 'content-type': 'application/json' } },
    resource: { type: 'refunds', id: null },
    context: { flags: ['unusual'], confidence: 0.4, claims: { task: 'T-1', options: ['escalate_to_legal'] } },
  };
  return {
    method: 'POST',
    target: '/v1/refunds?a=1',
    headers: ['Content-Type', 'application/json', 'Authorization', 'Bearer agent-secret'],
    body: Buffer.from(JSON.stringify(body)),
    input: JSON.stringify(input),
  };
}

/** What opens a hold for a refund of `amount`: another amount is another action. The digests follow from the rest. */
export function draft(amount: number, changes: Partial<HoldDraft> = {}, asked: Partial<HoldTerms> = {}): HoldDraft {
  const { principal = PRINCIPAL, system = 'payments', call = refundCall(amount) } = changes;
  const whose = { principal, system };
  return {
    principal,
    callId: createId('call'),
    decisionId: createId('dec'),
    system,
    operation: 'createRefund',
    method: call.method,
    path: '/v1/refunds',
    digest: digest(whose, call),
    envelope: digest.envelope(whose, call),
    idempotencyKey: null,
    rules: [{ id: 'rules.payments/refund-over-limit', verdict: 'hold', reason: 'more than 100 USD', trigger: 'rule' }],
    trigger: 'rule',
    reason: 'more than 100 USD',
    policyRevision: 'p1',
    terms: terms(asked),
    cost: null,
    claims: { session: 's-1', task: 'T-1', confidence: 0.4, flags: ['unusual'], reversible: null },
    handle: false,
    traceId: 'a'.repeat(32),
    call,
    ...changes,
  };
}

/** A question to people, or work for somebody else, with one artifact. */
export function handoffDraft(task: string, changes: Partial<HandoffDraft> = {}): HandoffDraft {
  const { principal, decisionId, terms, claims, traceId } = draft(0);
  const content = Buffer.from(`artifact of ${task}`);
  return {
    kind: 'exception',
    principal,
    decisionId,
    digest: Buffer.from(task).toString('hex').padEnd(64, '0').slice(0, 64),
    idempotencyKey: null,
    terms,
    claims,
    to: null,
    reason: 'billing-bot asks for help',
    form: { task, summary: 'qwertz-summary', options: ['refund', 'escalate_to_legal'], own: { member: [1, null] } },
    artifacts: [{ name: 'notes.txt', type: 'text/plain', bytes: content.length, sha256: 'f'.repeat(64), content }],
    traceId,
    ...changes,
  };
}

/** A refund held at `now`, of an API that names its operations by their paths. */
export function aHold(now: number, changes: Partial<CallHold> = {}): CallHold {
  const opened = draft(500, {
    callId: 'call_1',
    decisionId: 'dec_1',
    operation: 'POST /v1/refunds',
    digest: 'd'.repeat(64),
    reason: 'too much',
    terms: changes.terms ?? ONE_OF_FINANCE,
    claims: { session: null, task: null, confidence: null, flags: [], reversible: null },
  });
  return { ...newHold(opened, now, null), ...changes };
}

/** A question or a relay, opened at `now`. */
export function aHandoff(
  now: number,
  kind: HandoffHold['kind'],
  changes: Partial<Omit<HandoffHold, 'kind'>> = {},
): HandoffHold {
  const claims = { session: null, task: null, confidence: null, flags: [], reversible: null };
  const opened = handoffDraft('T-1', { kind, reason: 'too much', claims, artifacts: [] });
  return { ...newHandoff(opened, now, null), ...changes };
}
