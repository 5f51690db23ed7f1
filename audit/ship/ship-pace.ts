/** The factor by which the fastest time grows with each batch, so that old measurements fade. */
const FORGETTING = 1.01;
/** The share of the time that other work took. More would halve the throughput where cores are scarce or merges run. */
const SHARE = 0.25;
/** Milliseconds. */
const LONGEST_REST = 1000;

/**
 * Computes the pause after each batch, so that a backlog does not crowd out queries: a share of the time by which other work
 * made the batch slower than the fastest. An idle ClickHouse gets no pause.
 * @returns a function of a batch's rows and milliseconds that gives the pause in milliseconds
 */
export function createPace(): (rows: number, took: number) => number {
  let fastest = Infinity;
  return (rows, took) => {
    if (rows === 0) return 0;
    fastest = Math.min(took / rows, fastest * FORGETTING);
    return Math.min(LONGEST_REST, Math.max(0, SHARE * (took - fastest * rows)));
  };
}
