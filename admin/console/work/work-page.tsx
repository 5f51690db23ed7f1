import '../styles/work.css';
import { useQuery } from '@tanstack/react-query';
import { OctagonX, Radar } from 'lucide-react';
import { useMemo, useState } from 'react';
import { ErrorPage } from '../page/error-page.tsx';
import { useWorkWatch } from '../page/live-context.ts';
import { useTitle } from '../page/use-title.ts';
import { sessionQuery } from '../server/session.ts';
import { stopQuery } from '../server/stop.ts';
import type { Work } from '../server/shapes.ts';
import { workQuery } from '../server/work.ts';
import { AgentText } from '../text/agent-text.tsx';
import { Totals } from './figures.tsx';
import { AgentWork } from './agent-work.tsx';
import { StopDialog } from './stop-dialog.tsx';
import { sumsOf, treeOf } from './tree.ts';

/** Who does which work now, and did today: owner → agent → operation, as it happens. */
export function WorkPage() {
  const { data, error, isPending, refetch } = useQuery(workQuery);
  useWorkWatch();
  useTitle('Work');
  const tree = useMemo(() => treeOf(data?.items ?? []), [data]);
  if (error && !data) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="work" aria-busy={isPending}>
      <div className="page-head">
        <h1>Work</h1>
        <p>{isPending ? 'Looking…' : 'now, and since midnight'}</p>
        <StopButton />
      </div>
      {data && (
        <>
          <Missing work={data} />
          <Totals sums={sumsOf(data.items)} />
          {tree.length === 0 && (
            <div className="quiet-state">
              <Radar size={32} aria-hidden />
              <h2>No agent has called today</h2>
              <p>Calls appear here while they run.</p>
            </div>
          )}
        </>
      )}
      {tree.map(({ owner, agents }) => (
        <section key={owner} className="owner-work" aria-label={`Agents of ${owner}`}>
          <h2>
            <AgentText text={owner} />
          </h2>
          {agents.map((work) => (
            <AgentWork key={work.agent} {...work} />
          ))}
        </section>
      ))}
    </main>
  );
}

const MISSING: Readonly<Record<Work['missing'][number], string>> = {
  record:
    'ClickHouse does not answer: what was done and what it cost today is missing. What is in flight and held is shown as ever.',
  held: 'The store of holds does not answer: held calls are missing.',
  'in-flight': 'A worker did not answer within a second: some calls in flight may be missing.',
};

function Missing({ work: { missing, is_cut } }: { readonly work: Work }) {
  return (
    <div role="status" className="state-notices">
      {missing.map((part) => (
        <p key={part} className="notice warn">
          {MISSING[part]}
        </p>
      ))}
      {is_cut && <p className="notice">There is more than can be shown. The calls and the reports have the rest.</p>}
    </div>
  );
}

/** The switch that stops everything, for operators. Once it is stopped, every page says so and how that ends. */
function StopButton() {
  const { data: person } = useQuery(sessionQuery);
  const { data: state } = useQuery(stopQuery);
  const [asks, setAsks] = useState(false);
  if (!person?.roles.includes('operator') || !state || state.stop) return null;
  return (
    <>
      <button type="button" className="button danger stop-button" onClick={() => setAsks(true)}>
        <OctagonX size={17} aria-hidden />
        Stop everything
      </button>
      {asks && <StopDialog peopleToLift={state.lifted_by} close={() => setAsks(false)} />}
    </>
  );
}
