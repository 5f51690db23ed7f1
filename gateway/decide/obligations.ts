import type { Decision } from '../domain/decision.ts';
import { setHeader } from '../domain/obligation.ts';

/** Blocks a call whose decision has obligations that the gateway cannot meet: without them, policy did not allow it. */
export function blockUnmetObligations(decision: Decision): Decision {
  const unmet = decision.obligations.find((obligation) => !setHeader.safeParse(obligation).success);
  if (!unmet) return decision;
  const reason = `Policy requires an obligation that the gateway cannot meet: ${JSON.stringify(unmet.type)}.`;
  return { ...decision, verdict: 'block', reason, terms: null, cost: null, obligations: [] };
}
