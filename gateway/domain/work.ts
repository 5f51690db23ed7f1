/** What agents do now and did lately, by owner, agent, system and operation. */
export type WorkKey = {
  readonly owner: string;
  readonly agent: string;
  readonly system: string;
  /** As it is on record, so without secrets; empty while a call still arrives. */
  readonly operation: string;
};

/** A call that is being served. */
export type CallInFlight = {
  readonly id: string;
  /** When its request arrived, milliseconds since the epoch. */
  readonly at: number;
};

/** The calls of one kind of work that are being served. Calls that wait for people are not among them. */
export type WorkInFlight = WorkKey & {
  readonly count: number;
  /** The longest-running ones, oldest first: at most `LISTED_IN_FLIGHT`. Calls that still arrive have no identifier yet. */
  readonly calls: readonly CallInFlight[];
};

/** Most calls that are listed of one kind of work. */
export const LISTED_IN_FLIGHT = 5;
/** Most kinds of work that a process tells of. */
export const MOST_IN_FLIGHT = 500;

/** What one process, or one gateway, serves at a moment. */
export type InFlight = {
  readonly work: readonly WorkInFlight[];
  /** Calls of kinds of work that are left out, because there were more than `MOST_IN_FLIGHT`. */
  readonly others: number;
};

/** Several processes' calls in flight as one. */
export function addUp(parts: readonly InFlight[]): InFlight {
  const all = new Map<string, WorkInFlight>();
  for (const one of parts.flatMap(({ work }) => work)) {
    const key = workKey(one);
    const known = all.get(key);
    const calls = known ? [...known.calls, ...one.calls] : one.calls;
    all.set(key, { ...one, count: one.count + (known?.count ?? 0), calls: oldest(calls) });
  }
  return { work: [...all.values()], others: parts.reduce((sum, { others }) => sum + others, 0) };
}

/** Identifies a kind of work. */
export function workKey({ owner, agent, system, operation }: WorkKey): string {
  return JSON.stringify([owner, agent, system, operation]);
}

function oldest(calls: readonly CallInFlight[]): readonly CallInFlight[] {
  return calls.toSorted((a, b) => a.at - b.at).slice(0, LISTED_IN_FLIGHT);
}
