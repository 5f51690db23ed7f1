import { recipientOf, type Hold } from '../../gateway/domain/hold.ts';
import type { Demand } from '../deps.ts';
import { leaseInForce } from '../../gateway/domain/lease.ts';
import { iso, isoOrNull } from '../../gateway/domain/time.ts';
import { batchShape } from './batch-shape.ts';
import type { HoldSummary } from '../api/hold-schemas.ts';

/** What every view of a hold begins with. */
export function holdHead(hold: Hold, now: number) {
  return {
    hold_id: hold.id,
    version: hold.version,
    status: hold.status,
    execution: hold.execution,
    revision: hold.revision,
    kind: hold.kind,
    level: hold.terms.level,
    created_at: iso(hold.createdAt),
    sla_at: iso(hold.slaAt),
    overdue: hold.status === 'pending' && now > hold.slaAt,
    expires_at: iso(hold.expiresAt),
    redeem_by: hold.kind === 'approval' ? isoOrNull(hold.redeemBy) : null,
    decided:
      hold.decidedAt === null
        ? null
        : { by: hold.decidedBy, at: iso(hold.decidedAt), code: hold.code, note: hold.note },
    to: recipientOf(hold),
  };
}

/** Who is asked, and who is at it. */
export function routing(hold: Hold, demands: readonly Demand[], now: number) {
  const { votes, revision } = hold;
  const lease = leaseInForce(hold.lease, now);
  const anybody = demands.some(({ groups }) => groups.length === 0);
  return {
    groups: anybody ? [] : [...new Set(demands.flatMap(({ groups }) => groups))],
    quorum: Math.max(1, ...demands.map(({ quorum }) => quorum)),
    approvals: new Set(votes.filter((vote) => vote.revision === revision).map(({ reviewer }) => reviewer)).size,
    demands: demands.map(({ groups, quorum, approvals }) => ({ groups: [...groups], quorum, approvals })),
    escalates_at: hold.status === 'pending' ? isoOrNull(hold.escalateAt) : null,
    assignee: hold.assignee,
    // A lease that has lapsed is nobody's.
    lease: lease && { by: lease.by, since: iso(lease.since), until: iso(lease.until) },
  };
}

/** One hold as a queue shows it. Of the agent's words it has the path, and what stands under `claims`. */
export function holdSummary(hold: Hold, demands: readonly Demand[], now: number): HoldSummary {
  const { principal, claims } = hold;
  const call = hold.kind === 'approval' ? hold : null;
  return {
    ...holdHead(hold, now),
    agent: { id: principal.agent, owner: principal.owner },
    action: call && { system: call.system, operation: call.operation, method: call.method, path: call.path },
    policy: {
      rules: call ? call.rules.map((rule) => rule.id) : [],
      reason: hold.reason,
      trigger: call ? call.trigger : 'rule',
    },
    shape: hold.status === 'pending' ? batchShape(hold) : null,
    claims: { task: claims.task, confidence: claims.confidence, flags: [...claims.flags] },
    routing: routing(hold, demands, now),
  };
}
