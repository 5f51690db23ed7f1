import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { isObject, parseExactly, type ExactJson } from '../../../gateway/json/exact-json.ts';
import { storyQuery } from '../server/calls.ts';
import { evaluate } from '../server/policy.ts';
import { isRefused } from '../server/problem.ts';
import { AgentText } from '../text/agent-text.tsx';
import { DecisionView } from './decision-view.tsx';
import { recordedCall, type RecordedCall } from './recorded-call.ts';
import { ThenAndNow } from './then-and-now.tsx';

/** Tries a call on the policy in force: one from the record, or one that somebody writes. */
export function TryCall({ call, system }: { readonly call: string | undefined; readonly system: string }) {
  return (
    <section className="part try-call" aria-labelledby="try-title">
      <h2 id="try-title">Try a call</h2>
      {call === undefined ? (
        <>
          <p className="hint">
            Paste an input, or open one of the <Link to="/calls">Calls</Link> and choose “What would policy say now?”.
          </p>
          <Tried key="own" call={null} system={system} />
        </>
      ) : (
        <FromRecord key={call} id={call} />
      )}
    </section>
  );
}

function FromRecord({ id }: { readonly id: string }) {
  const { data: story, error, refetch } = useQuery(storyQuery(id));
  const call = story && recordedCall(story);
  return (
    <>
      <p className="hint">
        As{' '}
        <Link to="/calls/$callId" params={{ callId: id }}>
          {id}
        </Link>{' '}
        is on record.{' '}
        <Link to="/policy" resetScroll={false}>
          Try another
        </Link>
      </p>
      {error && (
        <p className="notice warn" role="alert">
          <span>
            The call cannot be read: {error.message} You can paste an input instead.{' '}
            <button type="button" className="button small" onClick={() => void refetch()}>
              Try again
            </button>
          </span>
        </p>
      )}
      {call === null && <p className="notice warn">No decision of policy on this call is on record.</p>}
      {call?.dropped != null && (
        <p className="notice warn">
          The record has no input of this call: {call.dropped}. Paste it below if you have it.
        </p>
      )}
      {call && call.masked.length > 0 && <Masked places={call.masked} />}
      {(call !== undefined || error) && <Tried call={call ?? null} system="" />}
    </>
  );
}

function Masked({ places }: { readonly places: readonly string[] }) {
  return (
    <p className="notice warn">
      <span>
        Masked in the record, so the verdict may differ:{' '}
        <code>
          <AgentText text={places.map((place) => (place === '!more' ? 'and more' : place)).join(', ')} />
        </code>
      </span>
    </p>
  );
}

type TriedProps = { readonly call: RecordedCall | null; readonly system: string };

function Tried({ call, system }: TriedProps) {
  const recorded = call?.input ?? null;
  const [text, setText] = useState(() => (recorded === null ? '' : JSON.stringify(recorded, null, 2)));
  const [wrong, setWrong] = useState<string | null>(null);
  const asking = useMutation({ mutationFn: async (asked: Asked) => ({ ...asked, ...(await evaluate(asked.input)) }) });
  const { mutate, data, error } = asking;

  useEffect(() => {
    if (recorded !== null) mutate({ input: recorded, isChanged: false });
  }, [recorded, mutate]);

  const judge = () => {
    const read = inputIn(text);
    setWrong('wrong' in read ? read.wrong : null);
    asking.reset();
    if ('input' in read)
      mutate({
        input: read.input,
        isChanged: recorded !== null && JSON.stringify(read.input) !== JSON.stringify(recorded),
      });
  };
  const change = (to: string) => {
    setText(to);
    setWrong(null);
  };
  return (
    <>
      <label className="field">
        <span>The input of policy, as JSON</span>
        <textarea
          className="input"
          rows={12}
          spellCheck={false}
          value={text}
          placeholder='{ "principal": …, "action": { "system": …, "operation": … }, "resource": …, "context": … }'
          aria-invalid={wrong !== null || error !== null}
          aria-describedby="try-wrong"
          onChange={({ target }) => change(target.value)}
        />
      </label>
      <div className="try-acts">
        <button type="button" className="button primary" onClick={judge}>
          What would policy say?
        </button>
        {text === '' && (
          <button type="button" className="button" onClick={() => change(exampleFor(system))}>
            Start from an example
          </button>
        )}
        <p className="hint">Nothing is recorded or sent. Time, usage and repeats are those of the input.</p>
      </div>
      <div id="try-wrong" role="alert">
        {wrong !== null && <p className="wrong">{wrong}</p>}
        {error && <Refusal error={error} />}
      </div>
      {data && (
        <>
          {call && <ThenAndNow call={call} evaluation={data} isChanged={data.isChanged} />}
          <DecisionView decision={data.decision} />
        </>
      )}
    </>
  );
}

type Asked = { readonly input: ExactJson; readonly isChanged: boolean };

/** The places that do not fit, or why there is no answer. */
function Refusal({ error }: { readonly error: Error }) {
  const places = isRefused(error, 422) ? (error.body.errors ?? []) : [];
  if (places.length === 0) return <p className="wrong">{error.message}</p>;
  return (
    <div className="wrong">
      <p>This is not an input of policy:</p>
      <ul>
        {places.map(({ pointer, detail }) => (
          <li key={pointer}>
            <code>
              <AgentText text={pointer.replace(/^\/input/, '') || '/'} />
            </code>
            : {detail}
          </li>
        ))}
      </ul>
    </div>
  );
}

function inputIn(text: string): { readonly input: ExactJson } | { readonly wrong: string } {
  if (text.trim() === '') return { wrong: 'Paste an input first.' };
  try {
    const input = parseExactly(text);
    return isObject(input)
      ? { input }
      : { wrong: 'An input is an object, with members such as "principal", "action", "resource" and "context".' };
  } catch (error) {
    return { wrong: `This is not JSON: ${(error as Error).message}` };
  }
}

/** An input to begin with. */
function exampleFor(system: string): string {
  const example = {
    principal: { agent: 'some-bot', owner: 'owner@example.com', roles: [], on_behalf_of: [], session: null },
    action: {
      system,
      operation: 'createOrder',
      method: 'POST',
      path: '/v1/orders',
      segments: ['v1', 'orders'],
      protocol: 'http',
      query: {},
      headers: { 'content-type': 'application/json' },
      body_bytes: 13,
      body: { amount: 100 },
    },
    resource: { type: 'orders', id: null },
    context: { time: new Date().toISOString(), ip: '127.0.0.1' },
  };
  return JSON.stringify(example, null, 2);
}
