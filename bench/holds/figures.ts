/** Half of the values are at most the median. @throws RangeError when there are none */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value that at least `share` of all values do not exceed. @throws RangeError when there are none */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (found === undefined) throw new RangeError('nothing was measured');
  return found;
}

export type Percentiles = { readonly p50: number; readonly p99: number };

export function percentiles(values: readonly number[]): Percentiles {
  return { p50: quantile(values, 0.5), p99: quantile(values, 0.99) };
}

/** How often each thing went wrong, by what it was. */
export type Failures = Readonly<Record<string, number>>;

export function countFailures(reasons: readonly string[]): Failures {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
