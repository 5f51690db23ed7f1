import { createId } from '../domain/id.ts';
import type { CallHold, HandoffHold, HoldState } from '../domain/hold.ts';
import type { HandoffDraft, HoldDraft } from '../domain/hold-store.ts';
import { bodyShape } from './body-shape.ts';
import { asked } from './escalation.ts';

/** A hold on a call, as it begins. Times are milliseconds since the epoch. */
export function newHold(draft: HoldDraft, now: number, assignee: string | null): CallHold {
  const { call, traceId: _traceId, earlierDigest: _earlierDigest, ...described } = draft;
  const shape = bodyShape(call);
  return {
    ...beginning(described.terms, now),
    ...described,
    ...(shape !== null && { bodyShape: shape }),
    kind: 'approval',
    execution: 'none',
    askedDigest: described.digest,
    assignee,
    redeemBy: null,
    grantId: null,
    attempt: null,
    resendAt: null,
    upstreamStatus: null,
  };
}

/** An exception or a relay, as it begins. */
export function newHandoff(draft: HandoffDraft, now: number, assignee: string | null): HandoffHold {
  const { kind, principal, decisionId, digest, idempotencyKey, terms, claims, to, reason, artifacts } = draft;
  return {
    ...beginning(terms, now),
    kind,
    execution: 'none',
    principal,
    decisionId,
    askedDigest: digest,
    idempotencyKey,
    reason,
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
    votes: [],
    editors: [],
    lease: null,
    escalations: [],
    notes: [],
    createdAt: now,
    ...asked(terms, now),
    decidedAt: null,
    decidedBy: null,
    code: null,
    note: null,
    outcome: null,
  } as const satisfies Partial<HoldState>;
}
