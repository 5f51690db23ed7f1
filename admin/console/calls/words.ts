import type { CallSummary } from '../server/shapes.ts';
import { milliseconds } from '../time/duration.ts';

/** The colour of a verdict. */
export const VERDICT_TAGS: Readonly<Record<string, string>> = { allow: 'good', hold: 'warn', block: 'danger' };

/** How a call ended, in a few words. */
export function endOf({
  verdict,
  status,
  code,
  took_ms,
}: Pick<CallSummary, 'verdict' | 'status' | 'code' | 'took_ms'>): string {
  if (status === null) return verdict === 'hold' ? 'waiting' : 'running';
  if (status === 0) return 'the agent left';
  return `${status}${code === '' ? '' : ` ${code}`}${took_ms > 0 ? ` in ${milliseconds(took_ms)}` : ''}`;
}
