import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { memo, useState } from 'react';
import { shortLine } from '../../../gateway/domain/visible-text.ts';
import { CallRow } from '../calls/call-row.tsx';
import { systemsQuery } from '../server/agents.ts';
import { lastCallsQuery } from '../server/calls.ts';
import { SuspendButton } from '../suspend/suspend-button.tsx';
import { duration } from '../time/duration.ts';
import { useClock } from '../time/use-clock.ts';
import { Figures } from './figures.tsx';
import type { WorkItem } from './tree.ts';

/** Longer names are cut; the page of a call has them whole. Characters. */
const LONGEST_NAME = 120;

/** One operation of an agent. Opened, it shows the calls in flight and the last ones on record. */
export const WorkRow = memo(function WorkRow({ item }: { readonly item: WorkItem }) {
  const [isOpen, setOpen] = useState(false);
  const { operation, system } = item;
  return (
    <li className="work-item">
      <button type="button" className="work-row" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <ChevronRight size={15} aria-hidden />
        <span className="work-what">
          <strong>{operation === '' ? 'still arriving' : <bdi>{shortLine(operation, LONGEST_NAME)}</bdi>}</strong>{' '}
          <span className="work-system">{system}</span>
        </span>
        <Figures sums={item} />
      </button>
      {isOpen && <WorkCalls item={item} />}
    </li>
  );
});

function WorkCalls({ item }: { readonly item: WorkItem }) {
  const { agent, owner, system, operation, in_flight, calls, held } = item;
  const filter = { agent, owner, system, ...(operation !== '' && { operation }) };
  const { data, error, isPending } = useQuery(lastCallsQuery(filter));
  const { data: systems } = useQuery(systemsQuery);
  const known = systems?.find(({ id }) => id === system);
  return (
    <div className="work-calls">
      {in_flight > 0 && (
        <section>
          <h4>In flight</h4>
          <ul className="flight-list">
            {calls.map(({ call_id, at }) => (
              <li key={call_id}>
                <Link to="/calls/$callId" params={{ callId: call_id }} className="mono">
                  {call_id.slice(0, 'call_'.length + 13)}…
                </Link>
                <Since at={at} />
              </li>
            ))}
          </ul>
          {in_flight > calls.length && (
            <p className="hint">
              {calls.length === 0 ? `${in_flight} calls` : `and ${in_flight - calls.length} more`}
              {operation === '' && ', of which the body still arrives'}
            </p>
          )}
        </section>
      )}
      <section>
        <h4>The last calls on record</h4>
        {error && <p className="wrong">{error.message}</p>}
        {data?.items.length === 0 && (
          <p className="hint">None yet. A call is here a second or two after it was judged.</p>
        )}
        {isPending && <p className="hint">Looking…</p>}
        <ul className="row-box">
          {data?.items.map((call) => (
            <CallRow key={call.call_id} call={call} />
          ))}
        </ul>
      </section>
      <p className="work-links">
        <Link to="/calls" search={filter}>
          All its calls
        </Link>
        {held > 0 && (
          <Link to="/holds" search={{ agent, system }}>
            Decide on what is held
          </Link>
        )}
      </p>
      {known && (
        <p className="work-system-switch">
          <span>
            {system} {known.suspended && <span className="tag warn">suspended</span>}
          </span>
          <SuspendButton kind="system" name={system} isSuspended={known.suspended !== null} />
        </p>
      )}
    </div>
  );
}

function Since({ at }: { readonly at: string }) {
  const since = useClock((now) => duration(Math.max(0, now - Date.parse(at))));
  return <time dateTime={at}>for {since}</time>;
}
