import '../styles/hold.css';
import '../styles/calls.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import { JsonBox } from '../hold/body-box.tsx';
import { ErrorPage } from '../page/error-page.tsx';
import { useTitle } from '../page/use-title.ts';
import { storyQuery } from '../server/calls.ts';
import type { CallStory, CallSummary } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { milliseconds } from '../time/duration.ts';
import { When } from '../time/when.tsx';
import type { FilterName } from './call-filter.ts';
import { LedgerPlace } from './ledger-place.tsx';
import { sentenceOf, whoOf, type Step } from './step-words.ts';
import { endOf, VERDICT_TAGS } from './words.ts';

const route = getRouteApi('/shell/calls/$callId');

/** Everything that is on record about one call: its steps, what policy saw, and where the ledger has it. */
export function StoryPage() {
  const { callId } = route.useParams();
  const { data: story, error, isPending, refetch } = useQuery(storyQuery(callId));
  useTitle(story?.call?.operation ?? 'Call');
  if (error && !story) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="story" aria-busy={isPending}>
      <Link to="/calls" className="back">
        <ArrowLeft size={16} aria-hidden />
        Calls
      </Link>
      {story && <Story id={callId} story={story} />}
    </main>
  );
}

function Story({ id, story: { call, events, places, source } }: { readonly id: string; readonly story: CallStory }) {
  const steps = events as readonly Step[];
  const input = steps.find((step) => step.input !== undefined)?.input;
  return (
    <>
      <div className="page-head">
        <h1>
          <AgentText text={call?.operation ?? id} />
        </h1>
        {call && (
          <p>
            <span className={`tag ${VERDICT_TAGS[call.verdict] ?? ''}`}>{call.verdict}</span> {endOf(call)}
          </p>
        )}
      </div>
      {source === 'journal' && (
        <p className="notice warn">
          ClickHouse does not answer. These are the steps that this gateway has not delivered to it yet; others may be
          missing.
        </p>
      )}
      {call && <Facts call={call} />}
      {call && (
        <p>
          <Link to="/policy" search={{ call: id }}>
            What would policy say now?
          </Link>
        </p>
      )}
      <section className="part" aria-labelledby="steps-title">
        <h2 id="steps-title">What happened</h2>
        <ol className="steps">
          {steps.map((step, index) => (
            <li key={step.event_id}>
              <When at={step.at} />
              <div>
                <p>
                  <AgentText text={sentenceOf(step)} />
                  {whoOf(step) !== null && <span className="hint"> {whoOf(step)}</span>}
                </p>
                <LedgerPlace place={places[index]} source={source} />
              </div>
            </li>
          ))}
        </ol>
      </section>
      {input !== undefined && (
        <section className="part" aria-labelledby="input-title">
          <h2 id="input-title">What policy saw</h2>
          <p className="hint">As it is on record: secrets are masked in it.</p>
          <JsonBox label="Policy input" body={input as ExactJson} />
        </section>
      )}
    </>
  );
}

function Facts({ call }: { readonly call: CallSummary }) {
  return (
    <dl className="pairs facts story-facts">
      <Fact name="Agent">
        <Same name="agent" value={call.agent} />
      </Fact>
      <Fact name="Owner">
        <Same name="owner" value={call.owner} />
      </Fact>
      {call.on_behalf_of.length > 0 && <Fact name="On behalf of">{call.on_behalf_of.join(' → ')}</Fact>}
      <Fact name="System">
        <Same name="system" value={call.system} />
      </Fact>
      <Fact name="Request">
        <code>
          {call.method} <AgentText text={call.path} />
        </code>
      </Fact>
      {call.resource !== '' && (
        <Fact name="Resource">
          <Same name="resource" value={call.resource} />
        </Fact>
      )}
      {call.rules.length > 0 && (
        <Fact name={call.rules.length === 1 ? 'Rule' : 'Rules'}>
          {call.rules.map((rule) => (
            <span key={rule} className="rule-link">
              <Same name="rule" value={rule} />
            </span>
          ))}
        </Fact>
      )}
      {call.reason !== '' && (
        <Fact name="Reason">
          <AgentText text={call.reason} />
        </Fact>
      )}
      {call.hold_id !== null && (
        <Fact name="Hold">
          <Link to="/holds/$holdId" params={{ holdId: call.hold_id }}>
            {call.hold_id}
          </Link>
        </Fact>
      )}
      {call.session !== '' && (
        <Fact name="Session">
          <Same name="session" value={call.session} /> <span className="tag claim">the agent says so</span>
        </Fact>
      )}
      {call.task !== '' && (
        <Fact name="Task">
          <Same name="task" value={call.task} /> <span className="tag claim">the agent says so</span>
        </Fact>
      )}
      {call.took_ms > 0 && <Fact name="Took">{milliseconds(call.took_ms)}</Fact>}
      {call.cost !== 0 && (
        <Fact name="Cost">
          {call.cost} {call.cost_unit}
        </Fact>
      )}
      {call.failure !== '' && (
        <Fact name="What failed">
          <Same name="failure" value={call.failure} />
        </Fact>
      )}
      {call.trace_id !== '' && (
        <Fact name="Trace">
          <Same name="trace_id" value={call.trace_id} />
        </Fact>
      )}
      <Fact name="Policy">
        <Same name="policy_revision" value={call.policy_revision} shown={call.policy_revision.slice(0, 12)} />
      </Fact>
      <Fact name="Decision">{call.decision_id}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

type SameProps = { readonly name: FilterName; readonly value: string; readonly shown?: string };

/** A fact as a link to the other calls of which it is true. */
function Same({ name, value, shown = value }: SameProps) {
  return (
    <Link to="/calls" search={{ [name]: value }} title="All calls of which this is true">
      <AgentText text={shown} />
    </Link>
  );
}
