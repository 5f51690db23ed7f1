import type { HeldCall } from '../../gateway/domain/hold.ts';
import { showInput } from '../../gateway/domain/policy-input.ts';
import { valueAt } from '../../gateway/json/pointer.ts';

/** The values at some places of the bodies of two calls, as people are shown them. */
export function shownDifferences(before: HeldCall, after: HeldCall, places: readonly string[]) {
  const [from, to] = [shownBody(before), shownBody(after)];
  return places.map((pointer) => ({ pointer, from: valueAt(from, pointer), to: valueAt(to, pointer) }));
}

/** What policy sees of a body, as people are shown it; null when there is none. */
export function shownBody({ input }: HeldCall): unknown {
  return showInput(input).action.body ?? null;
}
