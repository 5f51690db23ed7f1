import { isOpen, isOver, recipientOf, type Hold } from '../../domain/hold.ts';
import { decideBy, dueAt } from '../deadlines.ts';
import { eligibleGroups } from '../quorum.ts';
import type { Documents } from './documents.ts';
import type { HoldRow } from './schema.ts';

/** The columns that follow from the hold. */
export function toRow(hold: Hold, documents: Documents, change: number, now: number): Omit<HoldRow, 'trace_id'> {
  const to = recipientOf(hold);
  return {
    id: hold.id,
    version: hold.version,
    change,
    changed_at: now,
    kind: hold.kind,
    status: hold.status,
    execution: hold.execution,
    open: isOpen(hold) ? 1 : 0,
    agent: hold.principal.agent,
    system: hold.kind === 'approval' ? hold.system : '',
    digest: hold.askedDigest,
    idempotency_key: hold.idempotencyKey,
    has_handle: hold.handle ? 1 : 0,
    group_names: ['', ...(eligibleGroups(hold) ?? []), ''].join('|'),
    assignee: hold.assignee,
    lease_by: hold.lease?.by ?? null,
    to_agent: to && 'agent' in to ? to.agent : null,
    sla_at: hold.slaAt,
    due_at: dueAt(hold),
    decide_by: decideBy(hold),
    decided_at: hold.decidedAt,
    settled_at: isOver(hold) ? now : null,
    document: documents.seal(hold.id, hold),
  };
}

/**
 * Older rows have the members of a call on every hold, with empty values where it has none. They have the same names and
 * values otherwise, and what is empty is not read: `kind` tells which members count.
 */
export function fromRow({ id, document }: Pick<HoldRow, 'id' | 'document'>, documents: Documents): Hold {
  return documents.open(id, document);
}
