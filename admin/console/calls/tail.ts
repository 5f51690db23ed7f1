import type { CallPage, CallSummary } from '../server/shapes.ts';

/** Most calls that a tail keeps: the oldest go. */
const MOST = 500;

/** The calls that came while one looked, newest first. */
export type Tail = Pick<CallPage, 'source'> & {
  readonly calls: readonly CallSummary[];
  /** Whether more came between two looks than one look shows. */
  readonly hasGap: boolean;
};

/** A tail after one more look. */
export function grown(before: Tail | undefined, { items, next, source }: CallPage): Tail {
  if (!before) return { calls: items, hasGap: false, source };
  const known = new Set(before.calls.map(({ call_id }) => call_id));
  // A full page of strangers: others may lie between them and those that came before.
  const isCut = known.size > 0 && next !== null && !items.some(({ call_id }) => known.has(call_id));
  return { calls: joined(items, before.calls).slice(0, MOST), hasGap: before.hasGap || isCut, source };
}

/** Two lists of calls, newest first, as one. Of a call in both, `newer` has how it ended. */
export function joined(newer: readonly CallSummary[], older: readonly CallSummary[]): readonly CallSummary[] {
  const byId = new Map([...older, ...newer].map((call) => [call.call_id, call]));
  return [...byId.values()].toSorted((a, b) => (a.call_id < b.call_id ? 1 : -1));
}
