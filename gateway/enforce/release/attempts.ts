const FIRST_WAIT = 1_000;
const MOST_ATTEMPTS = 5;

/**
 * How long to wait after the `number`th attempt before the call is sent once more under its key, in milliseconds; null
 * when that was the last.
 */
export function resendAfter(number: number): number | null {
  return number < MOST_ATTEMPTS ? FIRST_WAIT * 2 ** (number - 1) : null;
}
