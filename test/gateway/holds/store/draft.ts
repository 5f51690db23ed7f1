import { actionDigest } from '../../../../gateway/holds/binding.ts';
import type { HoldTerms, Requirement } from '../../../../gateway/domain/decision.ts';
import type { HandoffDraft, HoldDraft } from '../../../../gateway/domain/hold-store.ts';
import { createId } from '../../../../gateway/domain/id.ts';
import type { Reviewer } from '../../../../gateway/domain/principal.ts';

export const KEY = Buffer.alloc(32, 7);

export const TERMS: HoldTerms = {
  level: 2,
  requirements: [{ groups: ['finance'], quorum: 1, escalate: [] }],
  expiresIn: 1_800_000,
  respondWithin: 900_000,
  onExpiry: 'block',
  editable: ['/amount'],
  ownerMayApprove: false,
  reversible: true,
};

/** One person of each of these groups. */
export function of(...groups: string[]): Requirement[] {
  return [{ groups, quorum: 1, escalate: [] }];
}

export function reviewer(id: string, groups: readonly string[] = ['finance'], roles = ['reviewer']): Reviewer {
  return { id, groups, roles };
}

/** What opens a hold for a refund of `amount`: another amount is another action. */
export function draft(amount: number, changes: Partial<HoldDraft> = {}, terms: Partial<HoldTerms> = {}): HoldDraft {
  const principal = { agent: 'billing-bot', owner: 'ana@example.com', roles: ['payer'], onBehalfOf: [] };
  const body = Buffer.from(JSON.stringify({ amount, currency: 'usd' }));
  const headers = ['Content-Type', 'application/json', 'Authorization', 'Bearer agent-secret'];
  const action = { method: 'POST', headers, body };
  const input = {
    principal: { agent: 'billing-bot', session: 's-1' },
    action: { body: { amount, currency: 'usd' }, headers: { 'content-type': 'application/json' } },
    resource: { type: 'refunds', id: null },
    context: { flags: ['unusual'], confidence: 0.4, claims: { task: 'T-1', options: ['escalate_to_legal'] } },
  };
  return {
    principal,
    callId: createId('call'),
    decisionId: createId('dec'),
    system: 'payments',
    operation: 'createRefund',
    method: 'POST',
    path: '/v1/refunds',
    digest: actionDigest({ agent: 'billing-bot', onBehalfOf: [], url: '/payments/v1/refunds?a=1', ...action }),
    envelope: 'e'.repeat(64),
    idempotencyKey: null,
    rules: [{ id: 'rules.payments/refund-over-limit', verdict: 'hold', reason: 'more than 100 USD', trigger: 'rule' }],
    trigger: 'rule',
    reason: 'more than 100 USD',
    policyRevision: 'p1',
    terms: { ...TERMS, ...terms },
    cost: null,
    claims: { session: 's-1', task: 'T-1', confidence: 0.4, flags: ['unusual'], reversible: null },
    handle: false,
    traceId: 'a'.repeat(32),
    call: { ...action, target: '/v1/refunds?a=1', input: JSON.stringify(input) },
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
