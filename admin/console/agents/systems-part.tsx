import { Link } from '@tanstack/react-router';
import type { System } from '../server/shapes.ts';
import type { Suspended } from '../server/suspensions.ts';
import { SuspendButton } from '../suspend/suspend-button.tsx';
import { SuspendedNote } from './suspended-note.tsx';

type Props = { readonly systems: readonly System[]; readonly done: (answer: Suspended) => void };

/** The systems behind the gateway: a system is suspended when it is the system, and not one agent, that has to rest. */
export function SystemsPart({ systems, done }: Props) {
  return (
    <section className="agent-part" aria-labelledby="systems-title">
      <h2 id="systems-title">Systems</h2>
      <p className="hint">While a system is suspended, no agent can call it.</p>
      <ul className="row-box">
        {systems.map(({ id, suspended }) => (
          <li key={id} className={suspended ? 'system-item is-suspended' : 'system-item'}>
            <h3>{id}</h3>
            <div className="agent-verbs">
              <Link to="/calls" search={{ system: id }} className="button small" aria-label={`Calls to ${id}`}>
                Calls
              </Link>
              <SuspendButton kind="system" name={id} isSuspended={suspended !== null} done={done} />
            </div>
            {suspended && <SuspendedNote suspended={suspended} />}
          </li>
        ))}
      </ul>
    </section>
  );
}
