import type { Coverage } from '../server/shapes.ts';
import { percent, whole } from '../text/counts.ts';
import { CLASS_WORDS } from './classes.ts';

/** How much of the work people or rules look at, in a sentence and two bars. */
export function Shares({ coverage: { operations, calls } }: { readonly coverage: Coverage }) {
  const called = operations.guarded + operations.allowed + operations.unmatched;
  const failed = calls.all - calls.looked_at - calls.allowed - calls.unmatched;
  return (
    <section className="shares" aria-label="How much is covered">
      <p className="headline">
        People or rules look at <strong>{whole(operations.guarded)}</strong> of {whole(called)} called operations, and
        at <strong>{calls.all === 0 ? 'none' : percent(calls.looked_at / calls.all)}</strong> of the calls.
      </p>
      <Bar
        name="Operations"
        parts={(['guarded', 'unmatched', 'allowed', 'unseen'] as const).map((each) => [
          each,
          CLASS_WORDS[each],
          operations[each],
        ])}
      />
      <Bar
        name="Calls"
        parts={[
          ['guarded', 'Held, or blocked by a rule', calls.looked_at],
          ['unmatched', CLASS_WORDS.unmatched, calls.unmatched],
          ['allowed', CLASS_WORDS.allowed, calls.allowed],
          ['failed', 'Blocked because policy failed', failed],
        ]}
      />
    </section>
  );
}

type Part = readonly [kind: string, words: string, count: number];

/** The parts of a whole, side by side, with what each stands for. */
function Bar({ name, parts }: { readonly name: string; readonly parts: readonly Part[] }) {
  const present = parts.filter(([, , count]) => count > 0);
  return (
    <div className="share">
      <h2>{name}</h2>
      <div className="share-bar" aria-hidden>
        {present.map(([kind, , count]) => (
          <span key={kind} data-part={kind} style={{ flexGrow: count }} />
        ))}
      </div>
      <dl>
        {present.map(([kind, words, count]) => (
          <div key={kind} data-part={kind}>
            <dt>{words}</dt>
            <dd>{whole(count)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
