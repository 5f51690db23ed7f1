import type { HoldStatus } from '../../../gateway/domain/hold.ts';
import { isRefused, Unreachable } from '../server/problem.ts';
import { moment } from '../time/duration.ts';

/** What became of a hold, as what a person did to it. */
export const DONE: Readonly<Record<HoldStatus, string>> = {
  pending: 'is waiting',
  approved: 'approved this',
  rejected: 'rejected this',
  expired: 'let this expire',
  cancelled: 'withdrew this',
  superseded: 'ended this',
  'taken-over': 'took this over',
  lapsed: 'did not collect this in time',
  answered: 'answered this',
  accepted: 'accepted this',
  returned: 'returned this',
};

/** Why a decision did not count, in one calm sentence with who and when. */
export function explain(error: unknown): string {
  if (error instanceof Unreachable)
    return 'The gateway did not answer, so your decision may or may not have arrived. This page looks again.';
  if (!isRefused(error)) return 'Something went wrong here, and your decision may not have been sent.';
  const { status, body } = error;
  const { decided, lease } = body;
  if (status === 409 && decided) {
    const at = decided.at === null ? '' : ` at ${moment(decided.at)}`;
    if (decided.by === null)
      return `${WITHOUT_PERSON[decided.status] ?? 'This ended'}${at}, so your decision changed nothing.`;
    return `${decided.by} ${DONE[decided.status as HoldStatus] ?? 'decided this'}${at}, so your decision changed nothing.`;
  }
  if (status === 412)
    return 'This call was changed after you read it, so your decision was not taken. Look at the change first.';
  if (status === 423 && lease)
    return `${lease.by} is deciding on this and has it until ${moment(lease.until)}, so your decision was not taken.`;
  if (status === 401) return 'Your session has ended, so nothing was sent. Sign in, then decide again.';
  return error.message;
}

const WITHOUT_PERSON: Readonly<Record<string, string>> = {
  expired: 'This expired',
  superseded: 'Policy ended this',
  cancelled: 'The agent withdrew this',
  lapsed: 'This lapsed',
};
