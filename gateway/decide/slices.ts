import { setImmediate } from 'node:timers/promises';

/** Milliseconds. */
const SLICE = 1;

/** Does all steps of some work at once. */
export function inOneGo<T>(work: Iterator<void, T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does the steps of some work in slices of about a millisecond, between which calls are served. */
export async function inSlices<T>(work: Iterator<void, T>): Promise<T> {
  for (;;) {
    const end = performance.now() + SLICE;
    do {
      const { done, value } = work.next();
      if (done) return value;
    } while (performance.now() < end);
    await setImmediate();
  }
}
