import { isWithin } from '../json/pointer.ts';
import type { HoldTerms, Requirement } from './decision.ts';

const DEFAULT_EXPIRES_IN = 30 * 60_000;

/** Terms, as far as somebody has a say in them: null leaves a member to the others. */
export type Opinion = {
  readonly [Member in keyof HoldTerms]: Member extends 'level' | 'requirements' | 'ownerMayApprove'
    ? HoldTerms[Member]
    : HoldTerms[Member] | null;
};

/** Terms that are as strict as all of these, in every member of which one of them says something. At least one. */
export function strictest(all: readonly Opinion[]): HoldTerms {
  const expiresIn = shortest(all.map((each) => each.expiresIn)) ?? DEFAULT_EXPIRES_IN;
  const respondWithin = shortest(all.map((each) => each.respondWithin)) ?? Math.ceil(expiresIn / 2);
  const onExpiry = said(all.map((each) => each.onExpiry));
  const reversible = said(all.map((each) => each.reversible));
  return {
    level: all.some((each) => each.level === 3) ? 3 : 2,
    requirements: joined(all.flatMap((each) => each.requirements)),
    expiresIn,
    respondWithin: Math.min(respondWithin, expiresIn),
    onExpiry: onExpiry.length > 0 && onExpiry.every((each) => each === 'escalate') ? 'escalate' : 'block',
    editable: said(all.map((each) => each.editable)).reduce(commonPlaces, null) ?? [],
    ownerMayApprove: all.every((each) => each.ownerMayApprove),
    reversible: reversible.length > 0 ? reversible.every(Boolean) : null,
  };
}

function said<T>(opinions: readonly (T | null)[]): T[] {
  return opinions.filter((each) => each !== null) as T[];
}

function shortest(durations: readonly (number | null)[]): number | null {
  const given = said(durations);
  return given.length > 0 ? Math.min(...given) : null;
}

/** The places that lie within one of each. `/items` and `/items/0/note` have `/items/0/note` in common. */
function commonPlaces(some: readonly string[] | null, others: readonly string[]): readonly string[] {
  if (some === null) return others;
  const within = (places: readonly string[], limits: readonly string[]) =>
    places.filter((place) => limits.some((limit) => isWithin(place, limit)));
  return [...new Set([...within(some, others), ...within(others, some)])];
}

/** All requirements, without those that another one implies: they would only be asked and shown twice. */
function joined(all: readonly Requirement[]): readonly Requirement[] {
  const kept = new Map<string, Requirement>();
  for (const each of all) {
    // Only with the same chain: people who join one later do not join the other.
    const key = JSON.stringify([each.groups.toSorted(), each.escalate]);
    const known = kept.get(key);
    if (!known || known.quorum < each.quorum) kept.set(key, each);
  }
  const named = [...kept.values()].filter((each) => each.groups.length > 0);
  const most = Math.max(0, ...named.map((each) => each.quorum));
  // Whoever counts for a group is a reviewer.
  return [...kept.values()].filter((each) => each.groups.length > 0 || each.escalate.length > 0 || each.quorum > most);
}
