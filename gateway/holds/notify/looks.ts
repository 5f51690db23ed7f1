import type { Clock } from '../../domain/clock.ts';

/** More than wait for an answer at any time; the longest ago is forgotten first. */
const REMEMBERED = 10_000;

/** When people who may decide last looked at each hold. In memory alone: a restart costs a mail too many. */
export type Looks = {
  looked(holdId: string): void;
  /** Milliseconds since the epoch; null when it is not known. */
  last(holdId: string): number | null;
};

export function createLooks(clock: Clock): Looks {
  const times = new Map<string, number>();
  return {
    looked(holdId) {
      times.delete(holdId);
      times.set(holdId, clock());
      const oldest = times.keys().next().value;
      if (times.size > REMEMBERED && oldest !== undefined) times.delete(oldest);
    },
    last: (holdId) => times.get(holdId) ?? null,
  };
}
