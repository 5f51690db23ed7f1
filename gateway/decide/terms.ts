import { z } from 'zod';
import type { HoldTerms } from '../domain/decision.ts';
import { duration } from '../domain/units.ts';

const DEFAULT_EXPIRES_IN = 30 * 60_000;

const positive = duration.refine((ms) => ms > 0, { error: 'expected a duration longer than zero' });
const group = z.string().min(1);

/** The members of a hold rule that say under which terms it holds. Level 4 blocks instead. */
export const holdMembers = {
  level: z.union([z.literal(2), z.literal(3), z.literal(4)], { error: 'expected 2, 3 or 4' }).optional(),
  reviewers: z.array(group).optional(),
  quorum: z.int().min(1).optional(),
  expires_in: positive.optional(),
  escalate: z.array(z.strictObject({ after: positive, to: z.array(group).min(1) })).optional(),
  editable: z
    .array(z.string().regex(/^(?:\/(?:[^~]|~[01])*)?$/, { error: 'expected a JSON pointer, such as /amount' }))
    .optional(),
  owner_may_approve: z.boolean().optional(),
};

const members = z.object(holdMembers);
export type HoldMembers = z.infer<typeof members>;

/** The terms of one rule, with the defaults for what it leaves out. */
export function termsOf(rule: HoldMembers): HoldTerms {
  return {
    level: rule.level === 3 ? 3 : 2,
    reviewers: rule.reviewers ?? [],
    quorum: rule.quorum ?? 1,
    expiresIn: rule.expires_in ?? DEFAULT_EXPIRES_IN,
    escalate: rule.escalate ?? [],
    editable: rule.editable ?? [],
    ownerMayApprove: rule.owner_may_approve ?? false,
  };
}

/**
 * The terms of a call that several rules hold: never wider than those of any one of them. The highest level and quorum
 * and the shortest time win; reviewers, editable members and escalation are what every rule permits.
 * @returns null when the rules name reviewers of whom none is in a group that all of them accept: one hold cannot carry
 *   an approval from each, and approving by either alone would go past the other.
 */
export function strictest(all: readonly HoldTerms[]): HoldTerms | null {
  const [first, ...rest] = all;
  if (!first) return null;
  const expiresIn = Math.min(...all.map((terms) => terms.expiresIn));
  const named = all.filter((terms) => terms.reviewers.length > 0);
  const reviewers = (named[0]?.reviewers ?? []).filter((name) => named.every((t) => t.reviewers.includes(name)));
  if (named.length > 0 && reviewers.length === 0) return null;
  return {
    level: all.some((terms) => terms.level === 3) ? 3 : 2,
    reviewers,
    quorum: Math.max(...all.map((terms) => terms.quorum)),
    expiresIn,
    escalate: rest.length === 0 ? first.escalate : commonEscalation(all, expiresIn),
    editable: first.editable.filter((pointer) => rest.every((terms) => terms.editable.includes(pointer))),
    ownerMayApprove: all.every((terms) => terms.ownerMayApprove),
  };
}

/** The steps of all rules in order, each kept to the groups that every rule accepts by then. */
function commonEscalation(all: readonly HoldTerms[], expiresIn: number): HoldTerms['escalate'] {
  const reached = new Set<string>();
  return all
    .flatMap((terms) => terms.escalate)
    .filter((step) => step.after < expiresIn)
    .sort((a, b) => a.after - b.after)
    .map(({ after, to }) => ({
      after,
      to: to.filter((name) => {
        const reaches = !reached.has(name) && all.every((terms) => accepts(terms, name, after));
        if (reaches) reached.add(name);
        return reaches;
      }),
    }))
    .filter((step) => step.to.length > 0);
}

function accepts(terms: HoldTerms, name: string, after: number): boolean {
  return (
    terms.reviewers.length === 0 ||
    terms.reviewers.includes(name) ||
    terms.escalate.some((step) => step.after <= after && step.to.includes(name))
  );
}
