import type { Clock } from '../../gateway/domain/clock.ts';

/** Milliseconds after which a page that no longer reports is taken for closed. Pages report every 20 s. */
const FORGOTTEN_AFTER = 45_000;
/** Most holds about which this is kept; the ones not visited for longest are forgotten first. */
const REMEMBERED = 2_000;

/** One person's visits to one hold. `seenAt` is null once the person has left. */
type Visits = { readonly openedAt: number; readonly since: number; readonly seenAt: number | null };

/** Who looks at which hold. In memory alone, of this gateway alone: it says who is there, and decides nothing. */
export function createPresence(clock: Clock, remembered = REMEMBERED) {
  const holds = new Map<string, Map<string, Visits>>();

  const isThere = ({ seenAt }: Visits, now: number) => seenAt !== null && now - seenAt < FORGOTTEN_AFTER;

  function visitsOf(hold: string): Map<string, Visits> {
    const visits = holds.get(hold) ?? new Map<string, Visits>();
    // Moves it to the end of those that are forgotten.
    holds.delete(hold);
    holds.set(hold, visits);
    const oldest = holds.keys().next().value;
    if (holds.size > remembered && oldest !== undefined) holds.delete(oldest);
    return visits;
  }

  return {
    arrive(hold: string, person: string): void {
      const now = clock();
      const visits = visitsOf(hold);
      const before = visits.get(person);
      const since = before && isThere(before, now) ? before.since : now;
      visits.set(person, { openedAt: before?.openedAt ?? now, since, seenAt: now });
    },
    leave(hold: string, person: string): void {
      const before = holds.get(hold)?.get(person);
      if (before) holds.get(hold)!.set(person, { ...before, seenAt: null });
    },
    /** Who is there besides `person`, by arrival. */
    others(hold: string, person: string): { readonly reviewer: string; readonly since: number }[] {
      const now = clock();
      return [...(holds.get(hold) ?? [])]
        .filter(([reviewer, visits]) => reviewer !== person && isThere(visits, now))
        .map(([reviewer, { since }]) => ({ reviewer, since }))
        .toSorted((a, b) => a.since - b.since);
    },
    /** Who opened it, and when first. */
    openings(hold: string): { readonly reviewer: string; readonly at: number }[] {
      return [...(holds.get(hold) ?? [])].map(([reviewer, { openedAt }]) => ({ reviewer, at: openedAt }));
    },
  };
}

export type Presence = ReturnType<typeof createPresence>;
