import { useState } from 'react';
import type { Coverage } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { plural, whole } from '../text/counts.ts';
import { CLASSES } from './classes.ts';
import { OperationRow } from './operation-row.tsx';

type Props = { readonly system: string; readonly items: Coverage['items']; readonly from: string };

/** Rows that are shown at first: agents can call under any number of paths. */
const FIRST = 25;

/** The operations of one system: by class, and within a class the most called first. */
export function SystemCoverage({ system, items, from }: Props) {
  const [isWhole, setWhole] = useState(false);
  const sorted = CLASSES.flatMap((of) => items.filter((item) => item.class === of));
  const calls = items.reduce((sum, item) => sum + item.calls, 0);
  return (
    <section className="system-coverage" aria-label={`Operations of ${system}`}>
      <h2>
        <AgentText text={system} />{' '}
        <span className="hint">
          {plural(items.length, 'operation')}, {plural(calls, 'call')}
        </span>
      </h2>
      <ul className="row-box">
        {(isWhole ? sorted : sorted.slice(0, FIRST)).map((item) => (
          <OperationRow key={item.operation} item={item} from={from} />
        ))}
      </ul>
      {!isWhole && sorted.length > FIRST && (
        <button type="button" className="button small" onClick={() => setWhole(true)}>
          Show all {whole(sorted.length)}
        </button>
      )}
    </section>
  );
}
