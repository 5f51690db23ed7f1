/** One page of a list that is sorted by identifier, newest first. `next` is the cursor of the next page. */
export type Page<T> = { readonly items: T[]; readonly next: string | null };

/** @param rows up to one more than `limit`: it tells that there is another page */
export function pageOf<Row, T extends { readonly id: string }>(
  rows: readonly Row[],
  limit: number,
  fromRow: (row: Row) => T,
): Page<T> {
  const items = rows.slice(0, limit).map(fromRow);
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
