import type { Hold, HoldCommand } from '../domain/hold.ts';
import type { HoldRow } from './schema.ts';

/** Whether an identical call still belongs to this hold: undecided, not yet released, or just being released. */
export function isOpen({ status, execution }: Pick<Hold, 'status' | 'execution'>): boolean {
  return status === 'pending' || (status === 'approved' && (execution === 'none' || execution === 'releasing'));
}

/** The columns that follow from the hold. */
export function toRow(hold: Hold, change: number, now: number): Omit<HoldRow, 'trace_id'> {
  const open = isOpen(hold);
  return {
    id: hold.id,
    version: hold.version,
    change,
    status: hold.status,
    execution: hold.execution,
    open: open ? 1 : 0,
    agent: hold.principal.agent,
    system: hold.system,
    digest: hold.digest,
    idempotency_key: hold.idempotencyKey,
    has_handle: hold.handle ? 1 : 0,
    expires_at: hold.expiresAt,
    redeem_by: hold.redeemBy,
    decided_at: hold.decidedAt,
    settled_at: open ? null : now,
    document: JSON.stringify(hold),
  };
}

export function fromRow(row: Pick<HoldRow, 'document'>): Hold {
  return JSON.parse(row.document) as Hold;
}

/** The command by which the clock ends a hold whose timer has not fired yet; null when its time has not come. */
export function overdueCommand(hold: Hold, now: number): Extract<HoldCommand, { type: 'expire' | 'lapse' }> | null {
  if (hold.status === 'pending' && now >= hold.expiresAt) return { type: 'expire' };
  if (hold.status !== 'approved' || hold.execution !== 'none') return null;
  return hold.redeemBy !== null && now >= hold.redeemBy ? { type: 'lapse' } : null;
}
