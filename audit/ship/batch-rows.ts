import type { NumberedLine } from './event-table.ts';
import type { Batch } from './source.ts';

/** The rows numbered [from, to) of some batches. */
export function pickRows(batches: readonly Batch[], from: number, to: number): NumberedLine[] {
  const rows: NumberedLine[] = [];
  for (const batch of batches) {
    const start = Math.max(from, batch.first);
    const end = Math.min(to, batch.first + batch.rows.length);
    for (let seq = start; seq < end; seq++) rows.push({ seq, line: batch.rows[seq - batch.first]! });
  }
  return rows;
}

/** The first and last number in [from, to) without a row; null when all have one. */
export function missingIn(
  rows: readonly NumberedLine[],
  from: number,
  to: number,
): { from: number; to: number } | null {
  if (rows.length === to - from) return null;
  const has = new Set(rows.map(({ seq }) => seq));
  let [first, last] = [from, to - 1];
  while (has.has(first)) first++;
  while (has.has(last)) last--;
  return { from: first, to: last };
}

/** The time of an event's line, milliseconds since the epoch. */
export function timeOf(line: Buffer): number | null {
  const { at } = JSON.parse(line.toString()) as { at?: unknown };
  return typeof at === 'number' ? at : null;
}
