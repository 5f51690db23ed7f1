import type { HoldTerms } from '../../../gateway/domain/decision.ts';
import type { Hold } from '../../../gateway/domain/hold.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';
import { newHold } from '../../../gateway/holds/new-hold.ts';

export const MINUTE = 60_000;

/** One of finance approves within half an hour. */
export const ONE_OF_FINANCE: HoldTerms = {
  level: 2,
  requirements: [{ groups: ['finance'], quorum: 1, escalate: [] }],
  expiresIn: 30 * MINUTE,
  respondWithin: 15 * MINUTE,
  onExpiry: 'block',
  editable: ['/amount'],
  ownerMayApprove: false,
  reversible: true,
};

export const TWO_OF_FINANCE: HoldTerms = {
  ...ONE_OF_FINANCE,
  requirements: [{ groups: ['finance'], quorum: 2, escalate: [] }],
};

export function person(
  id: string,
  groups: readonly string[] = ['finance'],
  roles: readonly string[] = ['reviewer'],
): Reviewer {
  return { id: `${id}@example.com`, groups, roles };
}

/** A refund by billing-bot, whose owner is ana, held at `now`. */
export function aHold(now: number, changes: Partial<Hold> = {}): Hold {
  const hold = newHold(
    {
      principal: { agent: 'billing-bot', owner: 'ana@example.com', roles: [], onBehalfOf: [] },
      callId: 'call_1',
      decisionId: 'dec_1',
      system: 'payments',
      operation: 'POST /v1/refunds',
      method: 'POST',
      path: '/v1/refunds',
      digest: 'd'.repeat(64),
      envelope: 'e'.repeat(64),
      idempotencyKey: null,
      rules: [{ id: 'rules.payments/refund-over-limit', verdict: 'hold', reason: 'too much', trigger: 'rule' }],
      trigger: 'rule',
      reason: 'too much',
      policyRevision: 'p1',
      terms: changes.terms ?? ONE_OF_FINANCE,
      cost: null,
      claims: { session: null, task: null, confidence: null, flags: [], reversible: null },
      handle: false,
      call: { method: 'POST', target: '/v1/refunds', headers: [], body: Buffer.from('{"amount":500}'), input: '{}' },
      traceId: null,
    },
    now,
    null,
  );
  return { ...hold, ...changes };
}
