import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Agent } from '../server/shapes.ts';
import type { Suspended } from '../server/suspensions.ts';
import { SuspendButton } from '../suspend/suspend-button.tsx';
import { AgentText } from '../text/agent-text.tsx';
import { costWords, type Cost } from '../text/costs.ts';
import { plural } from '../text/counts.ts';
import { ago } from '../time/duration.ts';
import { useClock } from '../time/use-clock.ts';
import type { AgentNumbers } from './numbers.ts';
import { SuspendedNote } from './suspended-note.tsx';
import { Levels, VerdictBar } from './verdict-bar.tsx';

type Props = {
  readonly agent: Agent;
  /** Null: it made no call. Undefined: the record has not told, or cannot. */
  readonly numbers: AgentNumbers | null | undefined;
  readonly isCounting: boolean;
  readonly suspendedSystems: ReadonlySet<string>;
  readonly done: (answer: Suspended) => void;
};

/** One agent: who answers for it, what it may call, what it did within 30 days, and the switch that stops it. */
export function AgentRow({ agent, numbers, isCounting, suspendedSystems, done }: Props) {
  const { id, owner, roles, systems, suspended, day_usage } = agent;
  return (
    <li className={suspended ? 'agent-item is-suspended' : 'agent-item'}>
      <article className="agent-row" aria-label={id}>
        <div className="agent-who">
          <h2>
            <AgentText text={id} />
          </h2>
          <p className="agent-owner">
            <AgentText text={owner} />
          </p>
          <ul className="agent-tags" aria-label="Roles and systems">
            {roles.map((role) => (
              <li key={`role ${role}`} className="tag" title="Role">
                {role}
              </li>
            ))}
            {systems.map((system) =>
              suspendedSystems.has(system) ? (
                <li key={system} className="tag danger" title="This system is suspended">
                  {system}, suspended
                </li>
              ) : (
                <li key={system} className="tag good" title="A system that it may call">
                  {system}
                </li>
              ),
            )}
            {systems.length === 0 && <li className="tag">may call no system</li>}
          </ul>
        </div>
        <div className="agent-did">
          {numbers ? (
            <>
              <VerdictBar numbers={numbers} />
              <Levels numbers={numbers} />
            </>
          ) : (
            <p className="hint">
              {numbers === null ? 'No call within 30 days.' : isCounting ? 'Counting…' : 'Not counted now.'}
            </p>
          )}
          <dl className="agent-facts">
            <Fact name="cost">{numbers ? amounts(numbers.costs) : '–'}</Fact>
            {day_usage && <Fact name="used in 24 h">{amounts(day_usage.costs, plural(day_usage.calls, 'call'))}</Fact>}
            <Fact name="last seen">{numbers ? <Ago at={numbers.lastAt} /> : '–'}</Fact>
          </dl>
        </div>
        <div className="agent-verbs">
          <Link to="/calls" search={{ agent: id }} className="button small" aria-label={`Calls of ${id}`}>
            Calls
          </Link>
          <Link to="/holds" search={{ agent: id }} className="button small" aria-label={`Held calls of ${id}`}>
            Held
          </Link>
          <SuspendButton kind="agent" name={id} isSuspended={suspended !== null} done={done} />
        </div>
        {suspended && <SuspendedNote suspended={suspended} />}
      </article>
    </li>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function amounts(costs: readonly Cost[], none = 'none'): string {
  if (costs.length === 0) return none;
  return costs.map(costWords).join(' + ');
}

function Ago({ at }: { readonly at: string }) {
  const past = useClock((now) => ago(at, now));
  return (
    <time dateTime={at} title={new Date(at).toLocaleString('en-GB')}>
      {past}
    </time>
  );
}
