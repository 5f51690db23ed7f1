import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import { linesOf } from '../body/body-lines.ts';

/** Several bodies side by side: what is the same in all, and the places in which they differ, as columns. */
export type Differences = {
  /** JSON pointers of the places that differ, in the order of the first body. */
  readonly columns: readonly string[];
  /** For each body the values at these places, as text; null where it has none. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** The places with one value in all, and that value. */
  readonly same: readonly { readonly pointer: string; readonly text: string }[];
};

export function differencesOf(bodies: readonly ExactJson[]): Differences {
  const leaves = bodies.map((body) => leavesOf(body));
  const pointers = [...new Set(leaves.flatMap((each) => [...each.keys()]))];
  const isSame = (pointer: string) => new Set(leaves.map((each) => each.get(pointer))).size === 1;
  const columns = pointers.filter((pointer) => !isSame(pointer));
  return {
    columns,
    rows: leaves.map((each) => columns.map((pointer) => each.get(pointer) ?? null)),
    same: pointers.filter(isSame).map((pointer) => ({ pointer, text: leaves[0]?.get(pointer) ?? '' })),
  };
}

function leavesOf(body: ExactJson): ReadonlyMap<string, string> {
  const leaves = linesOf(body).filter(({ value }) => value.type !== 'bracket' || value.text.length === 2);
  return new Map(leaves.map(({ pointer, value: { type, text } }) => [pointer, type === 'string' ? `“${text}”` : text]));
}
