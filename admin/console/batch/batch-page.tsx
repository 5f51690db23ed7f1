import '../styles/batch.css';
import '../styles/hold.css';
import { useQueries, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ArrowLeft, Check, X } from 'lucide-react';
import { useMemo, useState } from 'react';
import { exactBody } from '../body/exact-body.ts';
import { useOutbox, useSent } from '../decide/use-outbox.tsx';
import { RejectPanel } from '../hold/panels.tsx';
import { useTitle } from '../page/use-title.ts';
import { titleOf } from '../queue/hold-row.tsx';
import type { BatchResult } from '../server/shapes.ts';
import { batchKey, holdQuery, type HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { differencesOf } from './differences.ts';

const route = getRouteApi('/shell/batch');
/** Most holds of one decision, as the API has it. */
const MOST = 100;

/** Several holds of one rule and one shape, as a table of what differs; decided together. */
export function BatchPage() {
  useTitle('Several held calls');
  const { holds: named = '' } = route.useSearch();
  const ids = useMemo(() => [...new Set(named.split(/[ ,+]/).filter(Boolean))].slice(0, MOST), [named]);
  const queries = useQueries({ queries: ids.map((id) => holdQuery(id)) });
  const failed = queries.find(({ error }) => error !== null);
  const holds = queries.flatMap(({ data }) => data ?? []);
  const isComing = !failed && holds.length < ids.length;
  return (
    <main id="main" className="hold-page" aria-busy={isComing}>
      <p className="walk">
        <Link to="/holds" className="button small quiet">
          <ArrowLeft size={16} aria-hidden />
          Held calls
        </Link>
      </p>
      {holds.length > 0 && !failed && !isComing ? (
        <Together holds={holds} />
      ) : (
        <div className="quiet-state">
          <h1>Several held calls</h1>
          {failed ? (
            <p className="wrong">{failed.error?.message}</p>
          ) : isComing ? (
            <p>Reading {ids.length} held calls…</p>
          ) : (
            <p>No held calls are named in this address. Select some in the queue.</p>
          )}
        </div>
      )}
    </main>
  );
}

function Together({ holds }: { readonly holds: readonly HoldPackage[] }) {
  const outbox = useOutbox();
  const [rejects, setRejects] = useState(false);
  const ids = holds.map(({ hold_id }) => hold_id);
  const { data: result } = useQuery<BatchResult>({ queryKey: batchKey(ids), enabled: false });
  const isOnItsWay = useSent().some(
    ({ holdIds, state }) =>
      holdIds.length > 1 && holdIds.includes(ids[0]!) && (state === 'waiting' || state === 'sending'),
  );
  const bodies = useMemo(() => holds.flatMap(({ action }) => (action ? (exactBody(action) ?? []) : [])), [holds]);
  const { columns, rows, same } = useMemo(() => differencesOf(bodies), [bodies]);
  const [first] = holds;
  const problem = whyNot(holds, bodies.length);
  if (!first) return null;

  function decide(action: 'approve' | 'reject', more: object, text: string): void {
    outbox.submit({
      path: '/api/holds/batch',
      body: { action, holds: holds.map(({ hold_id, revision }) => ({ hold_id, revision })), ...more },
      holdIds: ids,
      text: `${text} ${holds.length}: ${titleOf(first!)}`,
    });
    setRejects(false);
  }

  const outcome = (id: string) => {
    const item = result?.items.find(({ hold_id }) => hold_id === id);
    if (item) return item.done ? 'done' : (item.problem?.detail ?? 'not done');
    return null;
  };
  return (
    <>
      <header className="headline">
        <p className="eyebrow">
          <span>
            <AgentText text={titleOf(first)} />
          </span>
          <span>{first.action?.system}</span>
          <code>{first.policy.rules[0]}</code>
        </p>
        <h1>
          Approving sends these {holds.length} calls, each once, after policy has been asked again for each. They differ
          in {columns.length === 1 ? 'one place' : `${columns.length} places`}.
        </h1>
      </header>
      {problem !== null && <p className="notice warn batch-problem">{problem}</p>}
      {/* A wide table is scrolled with the keys too (WCAG 2.1.1). */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="table-frame" tabIndex={0} role="region" aria-label="What differs">
        <table className="batch">
          <thead>
            <tr>
              <th scope="col">Call</th>
              <th scope="col">Agent</th>
              {columns.map((pointer) => (
                <th key={pointer} scope="col">
                  <code>
                    <AgentText text={pointer} />
                  </code>
                </th>
              ))}
              {result && <th scope="col">Result</th>}
            </tr>
          </thead>
          <tbody>
            {holds.map((hold, index) => (
              <tr key={hold.hold_id}>
                <th scope="row">
                  <Link to="/holds/$holdId" params={{ holdId: hold.hold_id }}>
                    {index + 1}
                  </Link>
                </th>
                <td>{hold.agent.id}</td>
                {columns.map((pointer, column) => (
                  <td key={pointer}>
                    <AgentText text={rows[index]?.[column] ?? '–'} />
                  </td>
                ))}
                {result && <td>{outcome(hold.hold_id)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <details className="batch-same" open>
        <summary>The same in all of them</summary>
        <dl className="facts">
          <div>
            <dt>Request</dt>
            <dd>
              {first.action?.method} <AgentText text={first.action?.url ?? ''} />
            </dd>
          </div>
          {same.map(({ pointer, text }) => (
            <div key={pointer}>
              <dt>
                <AgentText text={pointer} />
              </dt>
              <dd>
                <AgentText text={text} />
              </dd>
            </div>
          ))}
        </dl>
      </details>
      {problem === null && !result && (
        <section className="decision-bar" aria-label="Decide" hidden={isOnItsWay}>
          {rejects ? (
            <RejectPanel
              verb="Reject"
              close={() => setRejects(false)}
              send={(why) => decide('reject', why, 'Rejected')}
            />
          ) : (
            <div className="verbs">
              <button
                type="button"
                className="button primary"
                onClick={() => decide('approve', {}, 'Approved')}
                onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()}
              >
                <Check size={18} aria-hidden />
                Approve {holds.length}
              </button>
              <button type="button" className="button danger" onClick={() => setRejects(true)}>
                <X size={17} aria-hidden />
                Reject {holds.length}
              </button>
            </div>
          )}
        </section>
      )}
    </>
  );
}

/** Why these cannot be decided together; null when they can. The gateway looks again, before anything is done. */
function whyNot(holds: readonly HoldPackage[], bodies: number): string | null {
  const over = holds.filter(({ status }) => status !== 'pending').length;
  if (over > 0) return `${over} of these are decided already. Select again in the queue.`;
  if (bodies < holds.length) return 'Not all of these have a body that can be compared. Decide on each by itself.';
  if (holds.some(({ action }) => action?.reversible === false))
    return 'One of these cannot be undone. Decide on each by itself.';
  if (new Set(holds.map(({ action }) => `${action?.method} ${action?.upstream} ${action?.operation}`)).size > 1)
    return 'These are not of one operation. Decide on each by itself.';
  const closed = holds.find(({ you_may }) => !you_may.approve);
  return closed ? `You may not approve all of these: ${closed.you_may.why ?? ''}` : null;
}
