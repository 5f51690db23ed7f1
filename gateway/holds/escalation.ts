import type { HoldTerms } from '../domain/decision.ts';
import type { Escalation, Hold, HoldState } from '../domain/hold.ts';
import { demands } from './quorum.ts';

/** The deadlines of a hold on which people are asked from `now` on. */
export function asked(terms: HoldTerms, now: number) {
  return {
    askedAt: now,
    slaAt: now + terms.respondWithin,
    remindAt: now + Math.floor(terms.expiresIn / 2),
    escalateAt: nextStepAt(terms, now, -Infinity),
    expiresAt: now + terms.expiresIn,
    extended: false,
  } as const satisfies Partial<HoldState>;
}

/** When the first step of any chain after `since` falls due; null when none is left. */
export function nextStepAt({ requirements }: HoldTerms, askedAt: number, since: number): number | null {
  const times = requirements.flatMap(({ escalate }) => escalate.map(({ after }) => askedAt + after));
  const next = Math.min(...times.filter((at) => at > since));
  return Number.isFinite(next) ? next : null;
}

/** The steps of all chains that are due and have added no group yet. */
export function stepsDue(hold: Hold, now: number): Escalation[] {
  return steps(hold, (after) => hold.askedAt + after <= now, now);
}

/** Every step that is left, due or not: what an expiry does that escalates. */
export function stepsLeft(hold: Hold, now: number): Escalation[] {
  return steps(hold, () => true, now);
}

function steps({ terms, escalations }: Hold, falls: (after: number) => boolean, now: number): Escalation[] {
  return terms.requirements.flatMap(({ escalate }, requirement) => {
    const reached = new Set(escalations.filter((one) => one.requirement === requirement).flatMap(({ to }) => to));
    const groups = escalate.filter(({ after }) => falls(after)).flatMap(({ to }) => to);
    const to = [...new Set(groups)].filter((group) => !reached.has(group));
    return to.length === 0 ? [] : [{ at: now, to, by: null, note: null, requirement }];
  });
}

/**
 * What a person's escalation to some groups means: those that a rule's chain knows join that rule's requirement ahead
 * of time; any other has to approve as well. Groups that can decide already need none, and are left out.
 */
export function broughtIn(
  hold: Hold,
  to: readonly string[],
  told: Pick<Escalation, 'at' | 'by' | 'note'>,
): Escalation[] {
  const present = new Set(demands(hold).flatMap(({ groups }) => groups));
  return [...new Set(to)]
    .filter((group) => !present.has(group))
    .flatMap((group): Escalation[] => {
      const known = hold.terms.requirements.flatMap(({ escalate }, requirement) =>
        escalate.some((step) => step.to.includes(group)) ? [{ ...told, to: [group], requirement }] : [],
      );
      return known.length > 0 ? known : [{ ...told, to: [group], requirement: null }];
    });
}

/**
 * The escalations under other terms: groups that people added stay, and steps of the new chains that are due by now are
 * taken at once.
 */
export function carriedOver(hold: Hold, terms: HoldTerms, now: number): Pick<Hold, 'escalations' | 'escalateAt'> {
  const people = hold.escalations.filter(({ by }) => by !== null);
  const kept = people.reduce<Escalation[]>((escalations, { to, at, by, note }) => {
    return [...escalations, ...broughtIn({ ...hold, terms, escalations }, to, { at, by, note })];
  }, []);
  const carried = { ...hold, terms, escalations: kept };
  const steps = hold.extended ? stepsLeft(carried, now) : stepsDue(carried, now);
  return { escalations: [...kept, ...steps], escalateAt: hold.extended ? null : nextStepAt(terms, hold.askedAt, now) };
}
