import type { Sums } from './tree.ts';
import { costWords } from '../text/costs.ts';
import { whole } from '../text/counts.ts';

/** What is counted, in the order in which a call meets it. */
export const COUNTED = [
  ['in_flight', 'in flight'],
  ['held', 'held'],
  ['executed', 'done'],
  ['failed', 'failed'],
  ['blocked', 'blocked'],
] as const satisfies readonly (readonly [keyof Sums, string])[];

/** The figures of one line. What is nothing is left out, but keeps its place. */
export function Figures({ sums }: { readonly sums: Sums }) {
  return (
    <span className="figures">
      {COUNTED.map(([name, word]) => (
        <span key={name} className={`figure ${name}`}>
          {sums[name] > 0 && (
            <>
              <b>{whole(sums[name])}</b> {word}
            </>
          )}
        </span>
      ))}
      <span className="figure cost">{sums.costs.map(costWords).join(' + ')}</span>
    </span>
  );
}

/** All of it, large. */
export function Totals({ sums }: { readonly sums: Sums }) {
  return (
    <dl className="totals">
      {COUNTED.map(([name, word]) => (
        <div key={name} className={sums[name] > 0 ? `total ${name}` : 'total'}>
          <dt>{word}</dt>
          <dd>{whole(sums[name])}</dd>
        </div>
      ))}
      <div className="total">
        <dt>cost</dt>
        <dd>
          {sums.costs.length === 0 ? '–' : sums.costs.map((cost) => <span key={cost.unit}>{costWords(cost)}</span>)}
        </dd>
      </div>
    </dl>
  );
}
