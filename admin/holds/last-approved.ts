import type { CallHold, HeldCall, Hold } from '../../gateway/domain/hold.ts';
import { iso } from '../../gateway/domain/time.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';
import type { AdminDeps } from '../deps.ts';
import { shownDifferences } from './shown-differences.ts';

/** How many approved holds are looked through. Each is read and decrypted. */
const LOOKED_THROUGH = 30;

type Deps = Pick<AdminDeps, 'holds' | 'contents' | 'changedPlaces'>;
type Current = NonNullable<ContextPackage['diff']>['current'];

/** The last approved call of the same operation and shape, if it is among the last approved ones, and what differs. */
export async function lastApproved(deps: Deps, hold: CallHold, call: HeldCall): Promise<Current> {
  if (hold.status !== 'pending' || hold.bodyShape === undefined) return null;
  const { items } = await deps.holds.list({ status: 'approved', kind: 'approval', limit: LOOKED_THROUGH });
  const last = items.find((each) => isLike(hold, each));
  const before = last && (await deps.contents.call(last.id));
  if (!before) return null;
  return {
    hold_id: last.id,
    at: iso(last.decidedAt ?? last.createdAt),
    by: last.decidedBy,
    changes: shownDifferences(before, call, deps.changedPlaces(before, call)),
  };
}

function isLike({ system, method, operation, bodyShape }: CallHold, other: Hold): boolean {
  return (
    other.kind === 'approval' &&
    other.system === system &&
    other.method === method &&
    other.operation === operation &&
    other.bodyShape === bodyShape
  );
}
