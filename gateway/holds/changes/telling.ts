import { isOwed, type CallHold } from '../../domain/hold.ts';
import { ANSWER_KEPT } from '../deadlines.ts';
import { changed, type Change } from './change.ts';

/**
 * The change, with the end of the call owed to its caller if no handle and no `Idempotency-Key` finds it. Of a call that
 * was not executed, a client of MCP alone is owed the news: with HTTP, the same call asks again.
 * @param by the process that passes the answer on to an attached caller
 */
export function owing(change: Change, now: number, by: string | null = null): Change {
  const { hold } = change;
  if (hold.kind !== 'approval' || !isFoundByCall(hold)) return change;
  return { ...change, hold: { ...hold, owed: { until: now + ANSWER_KEPT, by } } };
}

function isFoundByCall({ status, execution, handle, mcp, idempotencyKey, upstreamStatus }: CallHold): boolean {
  if (idempotencyKey !== null) return false;
  // After a 101, there is no answer that could be stored.
  if (execution === 'executed') return (mcp === true || !handle) && upstreamStatus !== 101;
  return mcp === true && (execution === 'confirmed-executed' || status === 'expired' || status === 'taken-over');
}

/** @param by the process that tells a caller now; null once it has given up */
export function owedBy(hold: CallHold, by: string | null): Change {
  return isOwed(hold) ? changed<CallHold>(hold, { owed: { ...hold.owed, by } }) : changed(hold, {});
}
