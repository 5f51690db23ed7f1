import { owned } from '../routes/call-routes.ts';
import type { CallLog } from '../../gateway/domain/call-log.ts';
import type { Hold } from '../../gateway/domain/hold.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';

/** Longest that a reviewer waits for what is only good to know. */
const PATIENCE = 200;

/** As the record has it where a hold has no call. */
const NO_CALL = { system: '', operation: '', callId: '' };

/** What the record says of calls like this one; absent when it does not answer in time, and never a reason to fail. */
export async function readHistory(calls: CallLog, hold: Hold): Promise<ContextPackage['history']> {
  const { principal } = hold;
  const { system, operation, callId } = hold.kind === 'approval' ? hold : NO_CALL;
  const late = AbortSignal.timeout(PATIENCE);
  // The signal ends the query; that the answer ends too is not left to whoever was asked.
  const tooLate = new Promise<never>((_resolve, reject) => {
    late.addEventListener('abort', () => reject(new Error('late')), { once: true });
  });
  try {
    const asked = calls.history({ agent: principal.agent, system, operation, except: callId }, late);
    const found = await Promise.race([asked, tooLate]);
    const recent_calls = found.recent_calls.map(owned);
    return { available: true, ...found, recent_calls };
  } catch {
    const why = late.aborted ? `The record did not answer within ${PATIENCE} ms.` : 'The record cannot be read now.';
    return { available: false, why };
  }
}
