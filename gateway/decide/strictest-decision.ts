import type { Decision, Verdict } from '../domain/decision.ts';
import { strictest } from '../domain/terms.ts';
import { areInOneUnit, failed, highest, unique } from './outcome.ts';

const STRICTNESS: readonly Verdict[] = ['allow', 'hold', 'block'];

/**
 * One decision on a call that systems may read in several ways, from the decision on each reading: the strictest verdict
 * wins. What the readings of that verdict ask for adds up, as if all their rules had matched one call.
 */
export function strictestDecision(readings: readonly [Decision, ...Decision[]]): Decision {
  const verdict = STRICTNESS[Math.max(...readings.map((each) => STRICTNESS.indexOf(each.verdict)))]!;
  const deciding = readings.filter((each) => each.verdict === verdict);
  const [first] = deciding as [Decision];
  const costs = deciding.flatMap(({ cost }) => cost ?? []);
  const terms = deciding.flatMap((each) => each.terms ?? []);
  const decideMicros = readings.reduce((sum, each) => sum + each.decideMicros, 0);
  if (!areInOneUnit(costs)) {
    return {
      ...first,
      ...failed('the readings of the call cost different units, which cannot be compared'),
      decideMicros,
    };
  }
  return {
    ...first,
    verdict,
    rules: unique([...deciding, ...readings].flatMap(({ rules }) => rules)),
    reason: unique(deciding.map(({ reason }) => reason)).join(' '),
    // Where readings set one header to different values, the last of the list wins: that of the first reading.
    obligations: unique(deciding.toReversed().flatMap(({ obligations }) => obligations)),
    alert: unique(deciding.flatMap(({ alert }) => alert)),
    terms: terms.length > 0 ? strictest(terms) : null,
    cost: highest(costs),
    fault: deciding.find(({ fault }) => fault !== null)?.fault ?? null,
    decideMicros,
  };
}
