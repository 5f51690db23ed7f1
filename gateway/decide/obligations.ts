import type { Decision } from '../domain/decision.ts';
import { setHeader } from '../domain/obligation.ts';

/**
 * Turns a decision whose obligations the gateway cannot meet into a block: an allowance that depends on something
 * unknown is no allowance.
 */
export function blockUnmetObligations(decision: Decision): Decision {
  const unmet = decision.obligations.find((obligation) => !setHeader.safeParse(obligation).success);
  if (!unmet) return decision;
  const reason = `Policy demands something that the gateway cannot do (obligation ${JSON.stringify(unmet.type)}).`;
  return { ...decision, verdict: 'block', reason, terms: null, cost: null, obligations: [] };
}
