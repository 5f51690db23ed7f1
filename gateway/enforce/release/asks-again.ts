import type { Decision, HoldTerms, Requirement } from '../../domain/decision.ts';
import type { CallHold } from '../../domain/hold.ts';
import type { HoldCommand } from '../../domain/hold-command.ts';

const ANY_REVIEWER: Requirement = { groups: [], quorum: 1, escalate: [] };

/**
 * The command that replaces the release of an approved call under the policy now in force; null if the approval still
 * holds. Approvals by reviewers and by grants count the same: both cover the rules and terms on the hold.
 */
export function asksAgain(
  hold: CallHold,
  decision: Decision,
): Extract<HoldCommand, { type: 'supersede' | 'reopen' }> | null {
  const { verdict, rules, reason, terms, cost, policyRevision } = decision;
  if (verdict === 'block') return { type: 'supersede', reason, policyRevision };
  if (verdict === 'allow') return null;
  if (!terms) throw new Error('a decision to hold has terms');
  const approved = new Set(hold.rules.map((rule) => rule.id));
  const wider = rules.some((rule) => rule.verdict === 'hold' && !approved.has(rule.id));
  return wider || isStricter(terms, hold) ? { type: 'reopen', rules, reason, terms, cost, policyRevision } : null;
}

function isStricter(terms: HoldTerms, { terms: before, escalations, votes, grantId, principal }: CallHold): boolean {
  if (terms.level > before.level) return true;
  const byOwner = grantId !== null || votes.some(({ reviewer }) => reviewer === principal.owner);
  if (byOwner && before.ownerMayApprove && !terms.ownerMayApprove) return true;

  const met = before.requirements.length === 0 ? [ANY_REVIEWER] : before.requirements;
  const wholeMet = met.map((requirement, index) => {
    const joined = escalations.filter((one) => one.requirement === index).flatMap(({ to }) => to);
    return { ...requirement, counted: [...requirement.groups, ...joined] };
  });
  return terms.requirements.some((asked) => {
    const mayCount = new Set([...asked.groups, ...asked.escalate.flatMap(({ to }) => to)]);
    return !wholeMet.some(
      ({ groups, counted, quorum }) =>
        quorum >= asked.quorum &&
        (asked.groups.length === 0 || (groups.length > 0 && counted.every((group) => mayCount.has(group)))),
    );
  });
}
