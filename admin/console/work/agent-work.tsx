import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { agentsQuery } from '../server/agents.ts';
import { SuspendButton } from '../suspend/suspend-button.tsx';
import { AgentText } from '../text/agent-text.tsx';
import { Figures } from './figures.tsx';
import type { OwnerWork } from './tree.ts';
import { WorkRow } from './work-row.tsx';

/** Operations of one agent that are shown at first. */
const FIRST = 20;

/** One agent, with its operations. */
export function AgentWork({ agent, items, sums }: OwnerWork['agents'][number]) {
  const [showsAll, setShowsAll] = useState(false);
  const { data: agents } = useQuery(agentsQuery);
  // An agent that has left the configuration can no more be suspended than it can call.
  const known = agents?.find(({ id }) => id === agent);
  const shown = showsAll ? items : items.slice(0, FIRST);
  return (
    <article className="agent-work" aria-label={agent}>
      <header className="agent-head">
        <h3>
          <AgentText text={agent} />
        </h3>
        {known?.suspended && <span className="tag warn">suspended</span>}
        {items.length > 1 && <Figures sums={sums} />}
        {known && <SuspendButton kind="agent" name={agent} isSuspended={known.suspended !== null} />}
      </header>
      <ul className="row-box">
        {shown.map((item) => (
          <WorkRow key={`${item.system} ${item.operation}`} item={item} />
        ))}
      </ul>
      {shown.length < items.length && (
        <button type="button" className="button small" onClick={() => setShowsAll(true)}>
          Show {items.length - shown.length} more operations
        </button>
      )}
    </article>
  );
}
