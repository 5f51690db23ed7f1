import type { CallStory } from '../server/shapes.ts';
import { moment } from '../time/duration.ts';

type Place = CallStory['places'][number];

/** Where a step stands in the ledger, and who has signed for it. */
export function LedgerPlace({ place, source }: Pick<CallStory, 'source'> & { readonly place: Place | undefined }) {
  if (!place) return source === 'journal' ? <p className="hint">In the journal, not delivered yet.</p> : null;
  const { chain, seq, hash, checkpoint } = place;
  return (
    <details className="ledger">
      <summary>
        Number {seq} in the ledger, {checkpoint ? `signed at ${moment(checkpoint.at)}` : 'not signed yet'}
      </summary>
      <dl className="pairs">
        <dt>Chain</dt>
        <dd>{chain}</dd>
        <dt>Hash</dt>
        <dd>
          <code>{hash}</code>
        </dd>
        {checkpoint && (
          <>
            <dt>Signed for</dt>
            <dd>
              numbers {checkpoint.first} to {checkpoint.last}
            </dd>
            <dt>Signed hash</dt>
            <dd>
              <code>{checkpoint.hash}</code>
            </dd>
            <dt>Key</dt>
            <dd>
              <code>{checkpoint.key}</code>
            </dd>
          </>
        )}
      </dl>
      <p className="hint">
        <code>audit verify</code> checks the whole chain against these signatures.
      </p>
    </details>
  );
}
