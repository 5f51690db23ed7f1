import type { Coverage } from '../server/shapes.ts';
import { plural, whole } from '../text/counts.ts';
import type { CoverageFilter } from './coverage-filter.ts';

type Item = Coverage['items'][number];

/** Something to do, and the operations that it is about. */
export type NextStep = { readonly text: string; readonly search: Omit<CoverageFilter, 'period'> };

/** Systems that are named for what they let through; more would not be done next. */
const MOST_SYSTEMS = 2;

/** What to do about a coverage: what passes unreviewed most, what agents want and cannot have, and what nobody uses. */
export function nextSteps(items: readonly Item[]): readonly NextStep[] {
  const allowed = bySystem(items, 'allowed')
    .slice(0, MOST_SYSTEMS)
    .map(({ system, operations, calls }) => ({
      text: `${plural(operations, 'operation')} of ${system} ${are(operations)} allowed without review, in ${plural(calls, 'call')}. Read the most called ones, and let a rule hold what people should see.`,
      search: { class: 'allowed', system } as const,
    }));
  const [unmatched] = bySystem(items, 'unmatched');
  const [unseen] = bySystem(items, 'unseen');
  return [
    ...allowed,
    ...(unmatched
      ? [
          {
            text: `${plural(unmatched.operations, 'operation')} of ${unmatched.system} ${unmatched.operations === 1 ? 'matches' : 'match'} no rule: agents tried ${whole(unmatched.calls)} times. Write a rule for what they need, or tell their owners.`,
            search: { class: 'unmatched', system: unmatched.system } as const,
          },
        ]
      : []),
    ...(unseen
      ? [
          {
            text: `${plural(unseen.operations, 'operation')} that ${unseen.system} declares ${unseen.operations === 1 ? 'was' : 'were'} never called. Agents do without: let no rule allow them.`,
            search: { class: 'unseen', system: unseen.system } as const,
          },
        ]
      : []),
  ];
}

/** The systems with operations of a class, those with the most calls first; of what was never called, the most operations. */
function bySystem(items: readonly Item[], of: Item['class']) {
  const systems = Map.groupBy(
    items.filter((item) => item.class === of),
    ({ system }) => system,
  );
  return [...systems]
    .map(([system, own]) => ({
      system,
      operations: own.length,
      calls: own.reduce((sum, { calls }) => sum + calls, 0),
    }))
    .toSorted((a, b) => b.calls - a.calls || b.operations - a.operations);
}

const are = (count: number) => (count === 1 ? 'is' : 'are');
