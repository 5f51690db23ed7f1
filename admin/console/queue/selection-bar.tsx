import { Link } from '@tanstack/react-router';
import { Layers } from 'lucide-react';
import type { HoldSummary } from '../server/holds.ts';

/** What can be done with the selected holds together. */
export function SelectionBar({
  chosen,
  clear,
}: {
  readonly chosen: readonly HoldSummary[];
  readonly clear: () => void;
}) {
  return (
    <div className="selection-bar" role="region" aria-label="Selection">
      <Layers size={18} aria-hidden />
      <p>
        <strong>{chosen.length} selected</strong>
        <span>
          {chosen.length === 1 ? 'Select more of the same rule and shape.' : 'All of one rule and one shape.'}
        </span>
      </p>
      {chosen.length > 1 && (
        <Link
          to="/batch"
          search={{ holds: chosen.map(({ hold_id }) => hold_id).join(' ') }}
          className="button small primary"
        >
          Decide on {chosen.length} together
        </Link>
      )}
      <button type="button" className="button small quiet" onClick={clear}>
        Clear
      </button>
    </div>
  );
}
