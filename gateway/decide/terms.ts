import { z } from 'zod';
import type { HoldTerms, Requirement } from '../domain/decision.ts';
import { isWithin } from '../domain/json-pointer.ts';
import { duration } from '../domain/units.ts';

const DEFAULT_EXPIRES_IN = 30 * 60_000;

const positive = duration.refine((ms) => ms > 0, { error: 'expected a duration longer than zero' });
const group = z.string().min(1);

export const trigger = z.enum(['rule', 'probabilistic']).optional();

/** The members of a hold rule that say under which terms it holds. Level 4 blocks instead. */
export const holdMembers = {
  level: z.union([z.literal(2), z.literal(3), z.literal(4)], { error: 'expected 2, 3 or 4' }).optional(),
  trigger,
  reviewers: z.array(group).optional(),
  quorum: z.int().min(1).optional(),
  escalate: z.array(z.strictObject({ after: positive, to: z.array(group).min(1) })).optional(),
  expires_in: positive.optional(),
  respond_within: positive.optional(),
  on_expiry: z.enum(['block', 'escalate']).optional(),
  editable: z
    .array(z.string().regex(/^(?:\/(?:[^~]|~[01])*)?$/, { error: 'expected a JSON pointer, such as /amount' }))
    .optional(),
  owner_may_approve: z.boolean().optional(),
  reversible: z.boolean().optional(),
};

const members = z.object(holdMembers);
export type HoldMembers = z.infer<typeof members>;

/** Whether expiry has somebody to go to, when the rule wants it to. */
export function canEscalate(rule: HoldMembers): boolean {
  return rule.on_expiry !== 'escalate' || (rule.escalate ?? []).length > 0;
}

/** Terms, as far as somebody has a say in them: null leaves a member to the others. */
type Opinion = {
  readonly [Member in keyof HoldTerms]: Member extends 'level' | 'requirements' | 'ownerMayApprove'
    ? HoldTerms[Member]
    : HoldTerms[Member] | null;
};

/**
 * The terms of a call that these rules hold: as strict as each of them, in every member that the rule names. What an
 * estimate made match (`trigger: probabilistic`) can only make the terms of plain rules stricter, never fill in what
 * those leave out.
 */
export function termsOf(rules: readonly HoldMembers[]): HoldTerms {
  const plain = rules.filter((rule) => rule.trigger !== 'probabilistic').map(opinionOf);
  const estimated = rules.filter((rule) => rule.trigger === 'probabilistic').map(opinionOf);
  if (plain.length === 0) return combined(estimated);
  const firm = combined(plain);
  return combined([
    firm,
    ...estimated.map((each) => ({ ...each, reversible: each.reversible === false ? false : null })),
  ]);
}

/** Terms that are as strict as all of these: for a call that was held before, under other ones. At least one. */
export function strictest(all: readonly HoldTerms[]): HoldTerms {
  return combined(all);
}

function opinionOf(rule: HoldMembers): Opinion {
  const { reviewers = [], quorum = 1, escalate = [] } = rule;
  return {
    level: rule.level === 3 ? 3 : 2,
    requirements: [{ groups: reviewers, quorum, escalate: escalate.toSorted((a, b) => a.after - b.after) }],
    expiresIn: rule.expires_in ?? null,
    respondWithin: rule.respond_within ?? null,
    onExpiry: rule.on_expiry ?? null,
    editable: rule.editable ?? null,
    ownerMayApprove: rule.owner_may_approve ?? false,
    reversible: rule.reversible ?? null,
  };
}

function combined(all: readonly Opinion[]): HoldTerms {
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
