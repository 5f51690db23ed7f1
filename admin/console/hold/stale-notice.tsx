import { History } from 'lucide-react';
import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import type { HoldPackage } from '../server/holds.ts';
import { exactBody } from '../body/exact-body.ts';
import { JsonBox } from './body-box.tsx';

type Props = {
  /** What the person has read. */
  readonly read: HoldPackage;
  readonly latest: HoldPackage;
  readonly adopt: () => void;
};

/** The call was changed while the person looked: who did it, what changed, and no decision before they have seen it. */
export function StaleNotice({ read, latest, adopt }: Props) {
  const before = read.action ? exactBody(read.action) : undefined;
  const after = latest.action ? exactBody(latest.action) : undefined;
  const by = latest.diff?.edited_by.at(-1);
  return (
    <div className="notice warn stale" role="alert">
      <History size={18} aria-hidden />
      <div>
        <p>
          <strong>
            {by === undefined ? 'This call was changed' : `${by} changed this call`} while you were looking.
          </strong>{' '}
          You read revision {read.revision}; it is at revision {latest.revision} now.
        </p>
        {before !== undefined && after !== undefined && (
          <JsonBox label="What changed since you read it" before={before as ExactJson} body={after} />
        )}
        <button type="button" className="button small" onClick={adopt}>
          I have seen the change
        </button>
      </div>
    </div>
  );
}
