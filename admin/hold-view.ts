import type { Hold } from '../gateway/domain/hold.ts';
import type { HoldSummary } from './schemas.ts';

export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** How many different people have approved the current revision. */
export function approvals(hold: Hold): number {
  return new Set(hold.votes.filter((vote) => vote.revision === hold.revision).map((vote) => vote.reviewer)).size;
}

/** What every view of a hold begins with. */
export function holdHead(hold: Hold) {
  return {
    hold_id: hold.id,
    status: hold.status,
    execution: hold.execution,
    revision: hold.revision,
    kind: hold.kind,
    level: hold.terms.level,
    created_at: iso(hold.createdAt),
    expires_at: iso(hold.expiresAt),
    redeem_by: hold.redeemBy === null ? null : iso(hold.redeemBy),
    decided:
      hold.decidedAt === null
        ? null
        : { by: hold.decidedBy, at: iso(hold.decidedAt), code: hold.code, note: hold.note },
  };
}

/** One hold as the list shows it. Nothing in it was written by the agent except the path. */
export function holdSummary(hold: Hold): HoldSummary {
  return {
    ...holdHead(hold),
    agent: { id: hold.principal.agent, owner: hold.principal.owner },
    action: { system: hold.system, operation: hold.operation, method: hold.method, path: hold.path },
    policy: { rules: hold.rules.map((rule) => rule.id), reason: hold.reason },
    routing: { groups: [...hold.terms.reviewers], quorum: hold.terms.quorum, approvals: approvals(hold) },
  };
}
