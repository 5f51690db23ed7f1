const FIRST_WAIT = 1_000;
const MOST_ATTEMPTS = 5;

/** Milliseconds between attempt `number` and the next one with the same key; null after the last attempt. */
export function resendAfter(number: number): number | null {
  return number < MOST_ATTEMPTS ? FIRST_WAIT * 2 ** (number - 1) : null;
}
