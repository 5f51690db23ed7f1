/** Times in ms, and what share of them stayed below what. */
export type Latencies = {
  add(ms: number): void;
  /** The smallest time that at least `share` of all do not exceed; 0 when there are none. */
  at(share: number): number;
};

/** @param capacity most times that will be added: growing in the middle of a measurement would cost the next call */
export function createLatencies(capacity: number): Latencies {
  const times = new Float64Array(capacity);
  let count = 0;
  let sorted = 0;
  return {
    add(ms) {
      times[count] = ms;
      count += 1;
    },
    at(share) {
      const all = times.subarray(0, count);
      if (sorted < count) all.sort();
      sorted = count;
      return all[Math.max(0, Math.ceil(count * share) - 1)] ?? 0;
    },
  };
}
