import type { Lease } from './hold.ts';
import { isInForce } from './time.ts';

/** How long a claim lasts unless it is renewed, in milliseconds. */
export const LEASE = 5 * 60_000;

/** The lease that is in force; null when there is none. One that would last longer than a lease was given before the clock was set back. */
export function leaseInForce(lease: Lease | null, now: number): Lease | null {
  return lease !== null && isInForce(lease.until - LEASE, lease.until, now) ? lease : null;
}
