import type { CallHold, HeldCall, Hold } from '../../gateway/domain/hold.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { viewCall, type CallView } from './body-view.ts';

type ReadCall = {
  /** Null when no call is attached, or it is no longer kept. */
  readonly call: HeldCall | null;
  readonly view: CallView;
};

/** The held call at its current revision, and what a reviewer can see of it. */
export async function readCall({ call }: Pick<AdminDeps['contents'], 'call'>, hold: Hold): Promise<ReadCall> {
  const [current, original] = await Promise.all([
    call(hold.id, hold.revision),
    hold.editors.length > 0 ? call(hold.id, 1) : null,
  ]);
  return { call: current, view: viewCall(hold, current, original) };
}

/**
 * The call, provided that a reviewer can see all of it: what people could not see they cannot approve.
 * @throws AdminProblem `incomplete`
 */
export function wholeCall(
  hold: Hold,
  { call, view: { complete, missing } }: ReadCall,
): { readonly hold: CallHold; readonly call: HeldCall } {
  if (call && complete && hold.kind === 'approval') return { hold, call };
  throw new AdminProblem('incomplete', {
    detail: `${missing} A call that cannot be displayed in full cannot be approved. Reject it instead.`,
    extras: { hold_id: hold.id },
  });
}
