import { actionDigest } from '../../../gateway/holds/digest.ts';
import type { HoldTerms } from '../../../gateway/domain/decision.ts';
import type { HoldDraft } from '../../../gateway/domain/hold.ts';
import { createId } from '../../../gateway/domain/id.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';

export const KEY = Buffer.alloc(32, 7);

export const TERMS: HoldTerms = {
  level: 2,
  reviewers: ['finance'],
  quorum: 1,
  expiresIn: 1_800_000,
  escalate: [],
  editable: [],
  ownerMayApprove: false,
};

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
    idempotencyKey: null,
    rules: [{ id: 'rules.payments/refund-over-limit', verdict: 'hold', reason: 'more than 100 USD' }],
    reason: 'more than 100 USD',
    policyRevision: 'p1',
    terms: { ...TERMS, ...terms },
    handle: false,
    traceId: 'a'.repeat(32),
    call: { ...action, target: '/v1/refunds?a=1', input: JSON.stringify(input) },
    ...changes,
  };
}
