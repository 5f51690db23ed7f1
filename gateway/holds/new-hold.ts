import { createId } from '../domain/id.ts';
import type { Hold } from '../domain/hold.ts';
import type { HandoffDraft, HoldDraft } from '../domain/hold-store.ts';
import { asked } from './escalation.ts';

/** A hold on a call, as it begins. Times are milliseconds since the epoch. */
export function newHold(draft: HoldDraft, now: number, assignee: string | null): Hold {
  const { call: _call, traceId: _traceId, ...described } = draft;
  return {
    ...beginning(described.terms, now),
    ...described,
    kind: 'approval',
    askedDigest: described.digest,
    assignee,
  };
}

/** A wish without a call: an exception or a relay. */
export function newHandoff(draft: HandoffDraft, now: number, assignee: string | null): Hold {
  const { kind, principal, decisionId, digest, idempotencyKey, terms, claims, to, reason, artifacts } = draft;
  return {
    ...beginning(terms, now),
    kind,
    principal,
    callId: '',
    decisionId,
    system: '',
    operation: '',
    method: '',
    path: '',
    digest,
    askedDigest: digest,
    envelope: '',
    idempotencyKey,
    rules: [],
    trigger: 'rule',
    reason,
    policyRevision: '',
    terms,
    claims,
    assignee,
    handle: true,
    to,
    artifacts: artifacts.map(({ name, type, bytes, sha256 }) => ({ name, type, bytes, sha256 })),
  };
}

function beginning(terms: HoldDraft['terms'], now: number) {
  return {
    id: createId('hold'),
    version: 1,
    revision: 1,
    status: 'pending',
    execution: 'none',
    votes: [],
    editors: [],
    lease: null,
    escalations: [],
    notes: [],
    createdAt: now,
    ...asked(terms, now),
    redeemBy: null,
    decidedAt: null,
    decidedBy: null,
    code: null,
    note: null,
    outcome: null,
    grantId: null,
    attempt: null,
    resendAt: null,
    cost: null,
    upstreamStatus: null,
    to: null,
    artifacts: [],
  } as const satisfies Partial<Hold>;
}
