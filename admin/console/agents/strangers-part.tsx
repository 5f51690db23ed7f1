import { Link } from '@tanstack/react-router';
import { AgentText } from '../text/agent-text.tsx';
import { plural } from '../text/counts.ts';
import { When } from '../time/when.tsx';
import type { AgentNumbers } from './numbers.ts';

/** Agents that called within 30 days and are not configured any more. They cannot call. */
export function StrangersPart({ agents }: { readonly agents: readonly AgentNumbers[] }) {
  return (
    <section className="agent-part" aria-labelledby="strangers-title">
      <h2 id="strangers-title">Not configured any more</h2>
      <p className="hint">They called within 30 days, and cannot now.</p>
      <ul className="row-box">
        {agents.map(({ agent, owner, calls, lastAt }) => (
          <li key={agent} className="system-item">
            <h3>
              <AgentText text={agent} />
            </h3>
            <p className="hint">
              <AgentText text={owner} /> · last seen <When at={lastAt} />
            </p>
            <Link
              to="/calls"
              search={{ agent }}
              className="button small"
              aria-label={`${plural(calls, 'call')} of ${agent}`}
            >
              {plural(calls, 'call')}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
