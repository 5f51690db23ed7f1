import { OctagonPause } from 'lucide-react';
import type { Agent } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { Said } from '../text/said.tsx';
import { When } from '../time/when.tsx';

/** Since when it is suspended, by whom and why. */
export function SuspendedNote({ suspended }: { readonly suspended: NonNullable<Agent['suspended']> }) {
  return (
    <p className="notice danger suspended-note">
      <OctagonPause size={17} aria-hidden />
      <span>
        Suspended since <When at={suspended.at} /> by <AgentText text={suspended.by} />.{' '}
        <Said text={suspended.reason} /> Every call gets 403.
      </span>
    </p>
  );
}
