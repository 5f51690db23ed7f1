import { z } from 'zod';
import type { HoldTerms } from '../domain/decision.ts';
import { isOpenPlace } from '../domain/open-place.ts';
import { strictest, type Opinion } from '../domain/terms.ts';
import { duration } from '../domain/units.ts';

const positive = duration.refine((ms) => ms > 0, { error: 'expected a duration longer than zero' });
const group = z.string().min(1);

export const trigger = z.enum(['rule', 'probabilistic']).optional();

/** The members of a hold rule that set the terms of the hold. Level 4 blocks instead. */
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
  open: z
    .array(z.string().refine(isOpenPlace, { error: 'expected /amount, path:/contacts/{id} or query:cursor' }))
    .optional(),
  owner_may_approve: z.boolean().optional(),
  reversible: z.boolean().optional(),
  rejection_stands: duration.optional(),
};

const members = z.object(holdMembers);
export type HoldMembers = z.infer<typeof members>;

/** Whether a rule that escalates on expiry names a group to escalate to. */
export function canEscalate(rule: HoldMembers): boolean {
  return rule.on_expiry !== 'escalate' || (rule.escalate ?? []).length > 0;
}

/**
 * The terms of a call that these rules hold: in each member, as strict as the strictest rule that sets it. A rule that
 * matched on an estimate (`trigger: probabilistic`) can make the terms of plain rules stricter, but never add what they
 * leave out.
 */
export function termsOf(rules: readonly HoldMembers[]): HoldTerms {
  const plain = rules.filter((rule) => rule.trigger !== 'probabilistic').map(opinionOf);
  const estimated = rules.filter((rule) => rule.trigger === 'probabilistic').map(opinionOf);
  if (plain.length === 0) return strictest(estimated);
  const firm = strictest(plain);
  return strictest([
    firm,
    ...estimated.map((each) => ({ ...each, reversible: each.reversible === false ? false : null })),
  ]);
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
    open: rule.open ?? null,
    ownerMayApprove: rule.owner_may_approve ?? false,
    reversible: rule.reversible ?? null,
    ...(rule.rejection_stands !== undefined && { rejectionStands: rule.rejection_stands }),
  };
}
