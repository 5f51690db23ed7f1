/** Clients that are remembered at most; the one that was seen longest ago is forgotten. */
const MOST_CLIENTS = 1_000;
/** Milliseconds after which a client is forgotten: its time-out may have been changed. */
const REMEMBERED = 3_600_000;
/** Who leaves earlier has not reached a time-out: it was stopped. In milliseconds. */
const SHORTEST = 1_000;
/** The part of its time after which a client is answered, and the milliseconds that the answer gets at least. */
const PART = 0.9;
const MARGIN = 250;

/** How long clients wait at most: those that were seen leaving a hold before they had an answer. */
export type Patience = {
  /** The client left after so many milliseconds. */
  left(client: string, after: number): void;
  /** The longest wait, in milliseconds, after which the client still reads its answer. */
  longest(client: string): number;
};

/** An SDK with a shorter time-out than the gateway's `wait` learns nothing but a time-out; the next time it is told before. */
export function createPatience(now: () => number = () => performance.now()): Patience {
  const clients = new Map<string, { readonly after: number; readonly seenAt: number }>();

  function known(client: string): number {
    const seen = clients.get(client);
    return seen && now() - seen.seenAt < REMEMBERED ? seen.after : Infinity;
  }

  return {
    left(client, after) {
      if (after < SHORTEST) return;
      const shortest = Math.min(after, known(client));
      clients.delete(client);
      clients.set(client, { after: shortest, seenAt: now() });
      if (clients.size > MOST_CLIENTS) clients.delete(clients.keys().next().value!);
    },
    longest(client) {
      const after = known(client);
      return Math.min(after * PART, after - MARGIN);
    },
  };
}
