/** A time (milliseconds since the epoch) in RFC 3339, UTC. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

export function isoOrNull(at: number | null): string | null {
  return at === null ? null : iso(at);
}

/** By how much clocks of gateways on one store may differ, in milliseconds. */
const CLOCK_SKEW = 60_000;

/**
 * Whether something lasts now that began at `since` and ends at `until`. A time before `since` means that the clock was
 * set back: then it has ended, since it would outlast its time by as much.
 */
export function isInForce(since: number, until: number, now: number): boolean {
  return now < until && now >= since - CLOCK_SKEW;
}
