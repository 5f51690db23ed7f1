import type { PolicyStatus, RuleHits } from '../server/shapes.ts';

type Source = PolicyStatus['sources'][number];
type Hits = RuleHits['items'][number];

/** A rule of the policy in force, with what it did in a period. */
export type Rule = {
  readonly package: string;
  /** Null if the policy computes the name: what it did is then counted under names that are not known here. */
  readonly name: string | null;
  /** As events have it. */
  readonly id: string;
  readonly verdict: Source['verdict'];
  /** Every place that defines it. */
  readonly places: readonly Pick<Source, 'file' | 'line'>[];
  /** Null while the record cannot be read, and where the name is computed. */
  readonly hits: number | null;
  /** RFC 3339. */
  readonly lastAt: string | null;
  /** 1: allow; 2: a person approves; 3: a person takes over; 4: block and alert. Those that the period saw. */
  readonly levels: readonly number[];
};

const idOf = ({ package: name, rule }: Pick<Source, 'package' | 'rule'>) => `${name}/${rule ?? '(computed)'}`;

/** The rules by package, in the order of the policy's files. @param hits null while the record cannot be read */
export function rulesOf(sources: readonly Source[], hits: readonly Hits[] | null): readonly Rule[] {
  const defined = Map.groupBy(sources, ({ verdict, ...source }) => `${verdict} ${idOf(source)}`);
  return [...defined.values()].map((places): Rule => {
    const [first] = places as [Source];
    const id = idOf(first);
    const { verdict } = first;
    const isComputed = first.rule === null;
    const own = (hits ?? []).filter((each) => each.rule === id && says(each, verdict, defined));
    const levels = new Set([
      ...(verdict === 'allow' ? [1] : []),
      ...own.flatMap((each) => (verdict === 'hold' && each.verdict === 'block' ? [4] : each.levels)),
    ]);
    return {
      package: first.package,
      name: first.rule,
      id,
      verdict,
      places: places.map(({ file, line }) => ({ file, line })),
      hits: hits === null || isComputed ? null : own.reduce((sum, each) => sum + each.hits, 0),
      lastAt:
        own
          .map(({ last_at }) => last_at)
          .toSorted()
          .at(-1) ?? null,
      levels: [...levels].toSorted(),
    };
  });
}

/** A hold of level 4 is recorded as a block. */
function says(
  { rule, verdict: said }: Hits,
  verdict: Source['verdict'],
  defined: ReadonlyMap<string, unknown>,
): boolean {
  return said === verdict || (verdict === 'hold' && said === 'block' && !defined.has(`block ${rule}`));
}

/** What matched in the period and is no rule of this policy: of an earlier one, with a computed name, or the gateway's own. */
export function othersOf(sources: readonly Source[], hits: readonly Hits[]): readonly Hits[] {
  const known = new Set(sources.map(idOf));
  return hits.filter(({ rule }) => !known.has(rule));
}
