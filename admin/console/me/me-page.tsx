import '../styles/hold.css';
import '../styles/me.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Monitor } from 'lucide-react';
import { useTitle } from '../page/use-title.ts';
import type { MyNumbers, SessionItem } from '../server/shapes.ts';
import { ask } from '../server/ask.ts';
import { ifServed } from '../server/holds.ts';
import { sessionQuery } from '../server/session.ts';
import { moment } from '../time/duration.ts';
import { PreferencesForm } from './preferences-form.tsx';

/** A page about oneself, which nobody else sees: own numbers, sessions and notices. */
export function MePage() {
  useTitle('Me');
  const { data: person } = useQuery(sessionQuery);
  return (
    <main id="main" className="me">
      <div className="page-head">
        <h1>{person?.name ?? person?.id}</h1>
        <p>
          {person && person.name !== person.id && `${person.id} · `}
          {person && [person.groups, person.roles].map((all) => all.join(', ')).join(' · ')}
        </p>
      </div>
      <Numbers />
      <PreferencesForm />
      <Sessions />
    </main>
  );
}

function Numbers() {
  const { data, isPending, error } = useQuery({
    queryKey: ['me', 'numbers'],
    queryFn: ({ signal }) => ifServed(ask<MyNumbers>('/api/me/numbers', { signal })),
    retry: false,
  });
  return (
    <section className="part" aria-labelledby="numbers-title">
      <h2 id="numbers-title">Your last 30 days</h2>
      {data ? (
        <dl className="big-numbers">
          <div>
            <dt>decisions</dt>
            <dd>{data.decisions}</dd>
          </div>
          <div>
            <dt>from the request to your decision, median</dt>
            <dd>{data.median_seconds === null ? '–' : `${Math.round(data.median_seconds)} s`}</dd>
          </div>
          <div>
            <dt>approved unchanged</dt>
            <dd>{data.unchanged_rate === null ? '–' : `${Math.round(data.unchanged_rate * 100)} %`}</dd>
          </div>
          <div>
            <dt>approved in under five seconds</dt>
            <dd>{data.under_five_seconds}</dd>
          </div>
        </dl>
      ) : (
        <p className="hint">
          {isPending
            ? 'Counting…'
            : error
              ? 'The record does not answer now. Everything else works.'
              : 'This gateway does not count them.'}
        </p>
      )}
      <p className="hint">
        Only you see these. Many approvals in a few seconds each can mean that a rule asks too often.
      </p>
    </section>
  );
}

function Sessions() {
  const cache = useQueryClient();
  const { data, isPending } = useQuery({
    queryKey: ['me', 'sessions'],
    queryFn: ({ signal }) => ifServed(ask<{ readonly items: readonly SessionItem[] }>('/api/sessions', { signal })),
    retry: false,
  });
  const { data: person } = useQuery(sessionQuery);
  const end = useMutation({
    mutationFn: (id: string) => ask(`/api/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' }),
    onSettled: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: ['me', 'sessions'] }),
        cache.invalidateQueries({ queryKey: sessionQuery.queryKey }),
      ]),
  });
  return (
    <section className="part" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Sessions</h2>
      {!data && <p className="hint">{isPending ? 'Looking…' : 'This gateway does not list them.'}</p>}
      <ul className="sessions">
        {data?.items.map((session) => (
          <li key={session.session_id}>
            <Monitor size={18} aria-hidden />
            <p>
              <strong>{browserOf(session.user_agent)}</strong>
              {session.current && <span className="tag good">this one</span>}
              {session.reviewer !== person?.id && <span className="tag">{session.reviewer}</span>}
              <span className="hint">
                since {moment(session.created_at)}, last seen {moment(session.last_seen_at)}
                {session.address !== null && ` from ${session.address}`}
              </span>
            </p>
            <button
              type="button"
              className="button small"
              onClick={() => end.mutate(session.session_id)}
              aria-label={`End the session of ${browserOf(session.user_agent)} since ${moment(session.created_at)}`}
            >
              End
            </button>
          </li>
        ))}
      </ul>
      {end.error && <p className="wrong">{end.error.message}</p>}
    </section>
  );
}

/** A browser's name and its system, out of a User-Agent, which is good enough to tell one's own apart. */
function browserOf(agent: string | null): string {
  const browser = /(Firefox|Edg|OPR|Chrome|Safari)\//.exec(agent ?? '')?.[1];
  const system = /\b(Windows|Android|iPhone|iPad|Mac OS X|Linux)\b/.exec(agent ?? '')?.[1];
  const name = browser === 'Edg' ? 'Edge' : browser === 'OPR' ? 'Opera' : browser;
  return [name ?? 'A program', system].filter(Boolean).join(' on ');
}
