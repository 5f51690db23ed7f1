import type { HoldTerms, Requirement } from './decision.ts';
import { isPlaceWithin } from './open-place.ts';

const DEFAULT_EXPIRES_IN = 30 * 60_000;

/** Terms from one source, such as a rule. Null leaves a member to the other sources. */
export type Opinion = {
  readonly [Member in keyof HoldTerms]: Member extends 'level' | 'requirements' | 'ownerMayApprove'
    ? HoldTerms[Member]
    : HoldTerms[Member] | null;
};

/** The strictest of these terms, member by member. At least one must be given. */
export function strictest(all: readonly Opinion[]): HoldTerms {
  const expiresIn = shortest(all.map((each) => each.expiresIn)) ?? DEFAULT_EXPIRES_IN;
  const respondWithin = shortest(all.map((each) => each.respondWithin)) ?? Math.ceil(expiresIn / 2);
  const onExpiry = said(all.map((each) => each.onExpiry));
  const reversible = said(all.map((each) => each.reversible));
  const stands = said(all.map((each) => each.rejectionStands ?? null));
  // Terms without it leave nothing open; a rule without it leaves that to the others.
  const open = said(all.map((each) => (each.open === undefined ? [] : each.open))).reduce(commonPlaces, null) ?? [];
  return {
    level: all.some((each) => each.level === 3) ? 3 : 2,
    requirements: joined(all.flatMap((each) => each.requirements)),
    expiresIn,
    respondWithin: Math.min(respondWithin, expiresIn),
    onExpiry: onExpiry.length > 0 && onExpiry.every((each) => each === 'escalate') ? 'escalate' : 'block',
    editable: said(all.map((each) => each.editable)).reduce(commonPlaces, null) ?? [],
    ownerMayApprove: all.every((each) => each.ownerMayApprove),
    reversible: reversible.length > 0 ? reversible.every(Boolean) : null,
    ...(open.length > 0 && { open }),
    ...(stands.length > 0 && { rejectionStands: Math.max(...stands) }),
  };
}

function said<T>(opinions: readonly (T | null)[]): T[] {
  return opinions.filter((each) => each !== null) as T[];
}

function shortest(durations: readonly (number | null)[]): number | null {
  const given = said(durations);
  return given.length > 0 ? Math.min(...given) : null;
}

/** The places that lie within a place of each list: of `/items` and `/items/0/note`, that is `/items/0/note`. */
function commonPlaces(some: readonly string[] | null, others: readonly string[]): readonly string[] {
  if (some === null) return others;
  const within = (places: readonly string[], limits: readonly string[]) =>
    places.filter((place) => limits.some((limit) => isPlaceWithin(place, limit)));
  return [...new Set([...within(some, others), ...within(others, some)])];
}

/** All requirements except those that another one implies, so that reviewers are not asked twice. */
function joined(all: readonly Requirement[]): readonly Requirement[] {
  const kept = new Map<string, Requirement>();
  for (const each of all) {
    // Only with the same chain: groups that join one requirement later do not join the other.
    const key = JSON.stringify([each.groups.toSorted(), each.escalate]);
    const known = kept.get(key);
    if (!known || known.quorum < each.quorum) kept.set(key, each);
  }
  const named = [...kept.values()].filter((each) => each.groups.length > 0);
  const most = Math.max(0, ...named.map((each) => each.quorum));
  // Every member of a group is a reviewer, so a named group implies "any reviewer".
  return [...kept.values()].filter((each) => each.groups.length > 0 || each.escalate.length > 0 || each.quorum > most);
}
