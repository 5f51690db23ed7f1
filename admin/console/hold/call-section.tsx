import { Link } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { memo, type ReactNode } from 'react';
import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import { exactBody } from '../body/exact-body.ts';
import type { HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { When } from '../time/when.tsx';
import { JsonBox, TextBox } from './body-box.tsx';
import { bytes } from './bytes.ts';

type Action = NonNullable<HoldPackage['action']>;

type CallSectionProps = { readonly hold: HoldPackage; readonly action: Action };

/** The whole call, as it would be sent. Drawn again only when the hold has changed: a body may have thousands of lines. */
export const CallSection = memo(function CallSection({ hold, action }: CallSectionProps) {
  return (
    <section className="part" aria-labelledby="call-title">
      <h2 id="call-title">The call</h2>
      <p className="request-line">
        <strong>{action.method}</strong> <AgentText text={action.url} />
      </p>
      <dl className="facts">
        {action.upstream !== null && <Fact name="Goes to">{action.upstream}</Fact>}
        {action.tool !== null && (
          <Fact name="Tool">
            <AgentText text={action.tool} />
          </Fact>
        )}
        {action.amount && (
          <Fact name="Amount">
            <strong className="amount">
              <AgentText text={`${action.amount.value} ${action.amount.currency ?? ''}`.trim()} />
            </strong>
          </Fact>
        )}
        {action.target && (
          <Fact name="Target">
            <AgentText text={[action.target.type, action.target.id].filter(Boolean).join(' ')} />
          </Fact>
        )}
        {hold.cost && (
          <Fact name="Cost">
            {hold.cost.amount} {hold.cost.unit}
          </Fact>
        )}
      </dl>
      <Body hold={hold} action={action} />
      <Comparison {...hold} />
      {action.readings.length > 1 && (
        <details>
          <summary>Systems may read this call in {action.readings.length} ways</summary>
          {action.readings.map((reading, index) => (
            <JsonBox key={index} label={`Reading ${index + 1}`} body={reading as unknown as ExactJson} />
          ))}
        </details>
      )}
      <ToolDefinition {...action} />
      <Headers {...action} />
    </section>
  );
});

function Fact({ name, children }: { readonly name: ReactNode; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Body({ hold, action }: { readonly hold: HoldPackage; readonly action: Action }) {
  const { body_text: text, binary, sent_as: sentAs, body_bytes: size } = action;
  const body = exactBody(action);
  const edited = hold.diff !== null && hold.diff.edited_by.length > 0;
  if (!action.complete) return <p className="notice danger">{action.missing}</p>;
  if (size === 0) return <p className="hint">Without a body.</p>;
  if (binary) {
    return (
      <div className="binary">
        <p>
          A body that is not text:{' '}
          <strong>{binary.type === null ? 'no type given' : <AgentText text={binary.type} />}</strong>,{' '}
          {bytes(binary.bytes)}
        </p>
        <p className="hint">
          SHA-256 <code className="hash">{binary.sha256}</code>
        </p>
        <a className="button small" href={`/api/holds/${hold.hold_id}/body`} download>
          <Download size={15} aria-hidden />
          Download the exact bytes
        </a>
      </div>
    );
  }
  return (
    <>
      <p className="box-title">
        {edited ? `Body, changed by ${hold.diff?.edited_by.join(', ')}` : 'Body, whole'} · {bytes(size)}
        {sentAs !== null && (
          <>
            {' · sent as '}
            <AgentText text={sentAs} />
          </>
        )}
      </p>
      {body === undefined ? (
        <TextBox label="Body" text={text ?? ''} />
      ) : edited ? (
        <JsonBox label="Body" body={action.body as ExactJson} before={hold.diff?.proposed as ExactJson} />
      ) : (
        <JsonBox label="Body" body={body} instead={insteadOf(hold)} />
      )}
    </>
  );
}

/** What the last approved call of this shape had at the places where this one differs. */
function insteadOf({ diff }: HoldPackage): ReadonlyMap<string, string> {
  return new Map(
    diff?.current?.changes.map(({ pointer, from }) => [
      pointer,
      from === undefined ? 'new' : `last approved: ${typeof from === 'string' ? from : JSON.stringify(from)}`,
    ]),
  );
}

/** How this call compares with the last approved one. */
function Comparison({ diff }: HoldPackage) {
  const last = diff?.current;
  if (!last) return null;
  const count = last.changes.length;
  return (
    <p className="hint">
      {count === 0 ? 'The same as' : `${count === 1 ? 'One place differs' : `${count} places differ`} from`} the last
      call of this shape that was approved, by{' '}
      <Link to="/holds/$holdId" params={{ holdId: last.hold_id }}>
        {last.by ?? 'a grant'}
      </Link>{' '}
      at <When at={last.at} />.
    </p>
  );
}

/** What the server says of its tool: its words, which nobody has checked. */
function ToolDefinition({ tool_definition: definition }: Action) {
  if (!definition) return null;
  const { title, description, input_schema: schema } = definition;
  return (
    <details className="headers">
      <summary>What its server says of this tool</summary>
      {title !== null && (
        <p>
          <AgentText text={title} />
        </p>
      )}
      {description === null ? (
        <p className="hint">No description.</p>
      ) : (
        <TextBox label="Description of the tool" text={description} />
      )}
      {schema !== null && <JsonBox label="Schema of the arguments" body={schema as ExactJson} />}
    </details>
  );
}

function Headers({ headers, hidden_headers: hidden }: Action) {
  const names = Object.keys(headers);
  if (names.length + hidden.length === 0) return null;
  return (
    <details className="headers">
      <summary>
        {names.length} header{names.length !== 1 && 's'}
        {hidden.length > 0 && `, and ${hidden.length} whose values are hidden`}
      </summary>
      <dl className="facts">
        {names.map((name) => (
          <Fact key={name} name={name}>
            <AgentText text={headers[name] ?? ''} />
          </Fact>
        ))}
        {hidden.map((name) => (
          <Fact key={name} name={<AgentText text={name} />}>
            <span className="hint">hidden</span>
          </Fact>
        ))}
      </dl>
    </details>
  );
}
