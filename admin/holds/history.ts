import { owned } from '../routes/call-routes.ts';
import type { CallLog } from '../../gateway/domain/call-log.ts';
import type { Hold } from '../../gateway/domain/hold.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';
import { inTime } from './in-time.ts';

/** As the record has it where a hold has no call. */
const NO_CALL = { system: '', operation: '', callId: '' };

/** What the record says of calls like this one; absent when it does not answer in time, and never a reason to fail. */
export async function readHistory(calls: CallLog, hold: Hold): Promise<ContextPackage['history']> {
  const { principal } = hold;
  const { system, operation, callId } = hold.kind === 'approval' ? hold : NO_CALL;
  const of = { agent: principal.agent, system, operation, except: callId };
  const asked = await inTime((signal) => calls.history(of, signal));
  if ('why' in asked) return { available: false, why: asked.why };
  const { found } = asked;
  return { available: true, ...found, recent_calls: found.recent_calls.map(owned) };
}
