import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ClockMark } from '../queue/clock-mark.tsx';
import type { HoldNumbers } from '../server/shapes.ts';
import { numbersQuery, timelineQuery, type HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { Said } from '../text/said.tsx';
import { duration } from '../time/duration.ts';
import { When } from '../time/when.tsx';
import { TextBox } from './body-box.tsx';
import { Presence } from './presence.tsx';

/** What helps to judge a hold, next to it. */
export function Side({ hold }: { readonly hold: HoldPackage }) {
  return (
    <aside className="side" aria-label="Around this call">
      {hold.status === 'pending' && <ClockPart hold={hold} />}
      <PeoplePart hold={hold} />
      {hold.policy.matched.length > 0 && <RulePart hold={hold} />}
      <NumbersPart hold={hold} />
      <TimelinePart hold={hold} />
      <AgentPart hold={hold} />
    </aside>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="side-part">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function ClockPart({ hold }: { readonly hold: HoldPackage }) {
  return (
    <Part title="Clock">
      <ClockMark hold={hold} />
      <dl className="pairs">
        <dt>Asked</dt>
        <dd>
          <When at={hold.created_at} />
        </dd>
        <dt>Decision due</dt>
        <dd className={hold.overdue ? 'late' : ''}>
          <When at={hold.sla_at} />
        </dd>
        {hold.routing.escalates_at !== null && (
          <>
            <dt>Escalates</dt>
            <dd>
              <When at={hold.routing.escalates_at} />
            </dd>
          </>
        )}
        <dt>Expires</dt>
        <dd>
          <When at={hold.expires_at} />
        </dd>
      </dl>
    </Part>
  );
}

function PeoplePart({ hold }: { readonly hold: HoldPackage }) {
  const { demands, votes, lease, assignee } = hold.routing;
  return (
    <Part title="People">
      <ul className="people">
        {hold.to && <li>For {recipientIn(hold.to)}</li>}
        {demands.map(({ groups, quorum, approvals }, index) => (
          <li key={index}>
            {approvals} of {quorum} {quorum === 1 ? 'approval' : 'approvals'} of {groups.join(' or ') || 'any reviewer'}
          </li>
        ))}
        {assignee !== null && hold.status === 'pending' && <li>Suggested: {assignee}</li>}
        {lease && (
          <li>
            <span className="tag warn">
              {lease.by} decides until <When at={lease.until} />
            </span>
          </li>
        )}
        {votes.map((vote) => (
          <li key={vote.at + vote.reviewer} className={vote.counts ? '' : 'past'}>
            {vote.reviewer} approved revision {vote.revision} at <When at={vote.at} />
            {vote.for !== null && ` for ${vote.for}`}
            {!vote.counts && ', which was changed since'}
            <Said text={vote.note} />
          </li>
        ))}
        {hold.routing.escalations.map((escalation) => (
          <li key={escalation.at}>
            To {escalation.to.join(', ')} by {escalation.by ?? 'the rule'} at <When at={escalation.at} />
            <Said text={escalation.note} />
          </li>
        ))}
        {hold.notes.map((note) => (
          <li key={note.at}>
            {note.by} at <When at={note.at} />
            <Said text={note.text} />
          </li>
        ))}
      </ul>
      <Presence id={hold.hold_id} />
    </Part>
  );
}

function RulePart({ hold }: { readonly hold: HoldPackage }) {
  const { data: numbers } = useQuery(numbersQuery(hold.hold_id));
  return (
    <Part title={hold.policy.matched.length === 1 ? 'The rule that asked' : 'The rules that matched'}>
      {hold.policy.matched.map(({ rule, verdict, reason, trigger, places }) => (
        <div key={rule} className="rule">
          <p>
            <code>{rule}</code> <span className={verdict === 'hold' ? 'tag warn' : 'tag'}>{verdict}</span>
            {trigger === 'probabilistic' && <span className="tag">by chance or score</span>}
          </p>
          {reason !== null && (
            <p className="rule-reason">
              <AgentText text={reason} />
            </p>
          )}
          {places.map(({ file, line, text }) => (
            <details key={`${file}:${line}`}>
              <summary>
                {file}, line {line}
              </summary>
              {text === null ? (
                <p className="hint">Its text is not to be had: another policy is in force by now.</p>
              ) : (
                <TextBox label={`Text of ${rule}`} text={text} />
              )}
            </details>
          ))}
          {numbers?.rule?.rule === rule && (
            <p className="hint">
              {numbers.rule.hits_30d} times in 30 days
              {numbers.rule.approved_rate !== null && `, ${percent(numbers.rule.approved_rate)} approved`}
            </p>
          )}
        </div>
      ))}
    </Part>
  );
}

function NumbersPart({ hold }: { readonly hold: HoldPackage }) {
  const { data: numbers, isPending, error } = useQuery(numbersQuery(hold.hold_id));
  const { history } = hold;
  return (
    <Part title="Before this">
      {numbers ? (
        <Numbers numbers={numbers} />
      ) : history.available ? (
        <p className="small">
          {history.similar_30d} such calls of this agent in 30 days.
          {history.approved_unchanged_rate !== null &&
            ` Of those that were held, ${percent(history.approved_unchanged_rate)} were approved unchanged.`}
        </p>
      ) : (
        <p className="hint">
          {isPending
            ? 'Looking…'
            : error
              ? 'The numbers cannot be read now. You can decide without them.'
              : history.why}
        </p>
      )}
    </Part>
  );
}

function Numbers({ numbers: { similar, agent, unavailable } }: { readonly numbers: HoldNumbers }) {
  return (
    <>
      {agent && (
        <p className="small">
          {agent.unchanged_rate === null
            ? 'Nothing of this agent has been decided yet.'
            : `${percent(agent.unchanged_rate)} of this agent’s ${agent.decisions} held calls were approved unchanged.`}
        </p>
      )}
      {similar && similar.last.length > 0 && (
        <table className="last">
          <caption>The last decisions on this operation</caption>
          <thead>
            <tr>
              <th scope="col">Amount</th>
              <th scope="col">Who</th>
              <th scope="col">Took</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {similar.last.map((each) => (
              <tr key={each.hold_id}>
                <td>{each.amount ? <AgentText text={[each.amount.value, each.amount.currency].join(' ')} /> : '–'}</td>
                <td>{each.by.split('@')[0]}</td>
                <td>{duration(each.took_ms)}</td>
                <td>
                  <Link to="/holds/$holdId" params={{ holdId: each.hold_id }}>
                    {each.result}
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {similar?.last.length === 0 && <p className="small">This operation has not been decided on before.</p>}
      {unavailable !== null && <p className="hint">{unavailable}</p>}
    </>
  );
}

function TimelinePart({ hold }: { readonly hold: HoldPackage }) {
  const { data: timeline, isPending } = useQuery(timelineQuery(hold.hold_id));
  if (!timeline)
    return isPending ? null : (
      <Part title="Timeline">
        <p className="hint">Not to be had now.</p>
      </Part>
    );
  return (
    <Part title="Timeline">
      <ol className="timeline">
        {timeline.items.map(({ at, type, by, text, channel }, index) => (
          <li key={index} data-type={type}>
            <span>
              <AgentText text={text} />
            </span>
            <span className="hint">
              <When at={at} />
              {by !== null && ` · ${by}`}
              {channel !== null && ` · ${channel}`}
            </span>
          </li>
        ))}
      </ol>
      {timeline.unavailable !== null && <p className="hint">{timeline.unavailable}</p>}
      {hold.kind === 'approval' && (
        <p>
          <Link to="/calls" search={{ hold_id: hold.hold_id }}>
            The calls of this hold, on record
          </Link>
        </p>
      )}
    </Part>
  );
}

function AgentPart({ hold: { agent, action, hold_id } }: { readonly hold: HoldPackage }) {
  return (
    <Part title="Agent">
      <dl className="pairs">
        <dt>Agent</dt>
        <dd>{agent.id}</dd>
        <dt>Owner</dt>
        <dd>{agent.owner}</dd>
        {agent.on_behalf_of.length > 0 && (
          <>
            <dt>Acts for</dt>
            <dd>
              <AgentText text={agent.on_behalf_of.join(', ')} />
            </dd>
          </>
        )}
        {agent.version !== null && (
          <>
            <dt>Version, as claimed</dt>
            <dd>
              <AgentText text={agent.version} />
            </dd>
          </>
        )}
        {agent.session !== null && (
          <>
            <dt>Session, as claimed</dt>
            <dd>
              <AgentText text={agent.session} />
            </dd>
          </>
        )}
        <dt>Hold</dt>
        <dd>
          <code className="hash">{hold_id}</code>
        </dd>
        {action && (
          <>
            <dt>Approval binds to</dt>
            <dd>
              <code className="hash">{action.digest}</code>
            </dd>
          </>
        )}
      </dl>
    </Part>
  );
}

function recipientIn(to: NonNullable<HoldPackage['to']>): string {
  if ('person' in to) return to.person;
  return 'group' in to ? `the group ${to.group}` : `the agent ${to.agent}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
