import type { CallSummary } from '../server/shapes.ts';

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

/** `12 ms`, `3.4 s`, `12 min`. */
export function milliseconds(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}
