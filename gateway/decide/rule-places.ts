import type { RuleSource } from '../domain/bundle.ts';
import type { MatchedRule, RulePlace, Verdict } from '../domain/decision.ts';

/** What a rule of one set may become: at level 4, a hold blocks. */
const SETS: Readonly<Record<Verdict, readonly RuleSource['verdict'][]>> = {
  allow: ['allow'],
  hold: ['hold'],
  block: ['block', 'hold'],
};

/**
 * Adds to matched rules where their policy defines them. A list is looked up once: outcomes that recur share theirs.
 * @param sources the rules of one bundle
 */
export function createRulePlaces(
  sources: readonly RuleSource[],
): (matched: readonly MatchedRule[]) => readonly MatchedRule[] {
  const bySet = new Map<string, RulePlace[]>();
  const setOf = (packageName: string, verdict: string, rule: string | null) =>
    JSON.stringify([packageName, verdict, rule]);
  for (const { package: packageName, verdict, rule, file, line } of sources) {
    const set = setOf(packageName, verdict, rule);
    const places = bySet.get(set);
    if (places) places.push({ file, line });
    else bySet.set(set, [{ file, line }]);
  }

  function placesOf({ id, verdict }: MatchedRule): readonly RulePlace[] {
    const slash = id.indexOf('/');
    const [packageName, rule] = [id.slice(0, slash), id.slice(slash + 1)];
    const find = (name: string | null) =>
      SETS[verdict].flatMap((set) => bySet.get(setOf(packageName, set, name)) ?? []);
    const named = find(rule);
    // A name that is computed can come from any rule of the set that computes its name.
    return named.length > 0 ? named : find(null);
  }

  const known = new WeakMap<readonly MatchedRule[], readonly MatchedRule[]>();
  return (matched) => {
    let placed = known.get(matched);
    if (!placed) {
      placed = matched.map((rule) => {
        const places = placesOf(rule);
        return places.length > 0 ? { ...rule, places } : rule;
      });
      known.set(matched, placed);
    }
    return placed;
  };
}
