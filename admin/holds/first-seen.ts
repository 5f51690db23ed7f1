/** Enough for everybody's working day; who comes after is only recorded without the time. */
const REMEMBERED = 10_000;

/**
 * Remembers when each person first saw each revision of a hold, so that a vote can tell it. In memory alone: reading
 * changes nothing. What was not asked for longest is forgotten first.
 */
export function createFirstSeen(remembered = REMEMBERED) {
  const times = new Map<string, number>();
  const keyOf = (person: string, hold: string, revision: number) => `${hold} ${revision} ${person}`;

  /** The time, moved to the end of the line of those that are forgotten. */
  function recall(key: string): number | null {
    const at = times.get(key);
    if (at === undefined) return null;
    times.delete(key);
    times.set(key, at);
    return at;
  }

  return {
    saw(person: string, hold: string, revision: number, now: number): void {
      const key = keyOf(person, hold, revision);
      if (recall(key) !== null) return;
      times.set(key, now);
      const oldest = times.keys().next().value;
      if (times.size > remembered && oldest !== undefined) times.delete(oldest);
    },
    /** Milliseconds since the epoch; null when it is not known. */
    at(person: string, hold: string, revision: number): number | null {
      return recall(keyOf(person, hold, revision));
    },
  };
}

export type FirstSeen = ReturnType<typeof createFirstSeen>;
