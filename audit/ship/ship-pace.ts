/** By how much the fastest batch counts as slower with each one since: what was true of yesterday is not for ever. */
const FORGETTING = 1.01;
/** Of the time that others took. More would halve what is delivered wherever cores are short or merges run. */
const SHARE = 0.25;
/** Milliseconds. */
const LONGEST_REST = 1000;

/**
 * How long to leave ClickHouse alone after a batch, so that a backlog does not crowd out queries: for a share of the time by
 * which others made the batch slower than it could have been. Where nobody else is there, that is not at all.
 * @returns takes the rows of a batch and the milliseconds for which they were waited for, gives milliseconds
 */
export function createPace(): (rows: number, took: number) => number {
  let fastest = Infinity;
  return (rows, took) => {
    if (rows === 0) return 0;
    fastest = Math.min(took / rows, fastest * FORGETTING);
    return Math.min(LONGEST_REST, Math.max(0, SHARE * (took - fastest * rows)));
  };
}
