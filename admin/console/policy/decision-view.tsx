import type { ReactNode } from 'react';
import type { Evaluation } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { duration } from '../time/duration.ts';
import { levelWords, SAID_TAGS } from './level-words.ts';

type Decision = Evaluation['decision'];
type Requirement = NonNullable<Decision['terms']>['requirements'][number];

/** What policy decides on a call, and why. */
export function DecisionView({ decision }: { readonly decision: Decision }) {
  const { verdict, reason, rules, terms, obligations, alert, cost, fault } = decision;
  return (
    <div className="decision">
      <p className="decision-verdict">
        <span className={`tag ${SAID_TAGS[verdict]}`}>{verdict}</span> <AgentText text={reason} />
      </p>
      {fault !== null && (
        <p className="notice danger">
          <span>
            The policy failed on this input, and so it blocks: <AgentText text={fault} />
          </span>
        </p>
      )}
      <dl className="pairs">
        <Fact name={rules.length === 1 ? 'Rule that matched' : 'Rules that matched'}>
          <ul>
            {rules.map(({ id, verdict: said, reason: why, trigger, places = [] }) => (
              <li key={`${said} ${id}`}>
                <code>{id}</code> <span className={`tag ${SAID_TAGS[said]}`}>{said}</span>
                {trigger === 'probabilistic' && <span className="tag">by chance or score</span>}{' '}
                <span className="hint">{places.map(({ file, line }) => `${file}:${line}`).join(', ')}</span>
                {why !== null && why !== reason && (
                  <p className="hint">
                    <AgentText text={why} />
                  </p>
                )}
              </li>
            ))}
          </ul>
        </Fact>
        {terms && (
          <>
            <Fact name="Level">{levelWords(terms.level)}</Fact>
            <Fact name="Reviewers">
              <ul>
                {terms.requirements.map((requirement, index) => (
                  <li key={index}>{reviewersOf(requirement)}</li>
                ))}
              </ul>
            </Fact>
            <Fact name="Time">
              a decision is due within {duration(terms.respondWithin)}; after {duration(terms.expiresIn)}{' '}
              {terms.onExpiry === 'block' ? 'the call is blocked' : 'everybody in the chain is asked'}
            </Fact>
            {terms.editable.length > 0 && (
              <Fact name="May be edited">
                <code>{terms.editable.join(', ')}</code>
              </Fact>
            )}
          </>
        )}
        {alert.length > 0 && (
          <>
            <Fact name="Level">{levelWords(4)}</Fact>
            <Fact name="Alerts">{alert.join(', ')}</Fact>
          </>
        )}
        {verdict === 'allow' && <Fact name="Level">{levelWords(1)}</Fact>}
        {obligations.length > 0 && (
          <Fact name="Obligations">
            <ul>
              {obligations.map(({ type, ...parameters }, index) => (
                <li key={index}>
                  <code>{type}</code>{' '}
                  {Object.keys(parameters).length > 0 && (
                    <code>
                      <AgentText text={JSON.stringify(parameters)} />
                    </code>
                  )}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {cost && (
          <Fact name="Cost">
            {cost.amount} {cost.unit}
          </Fact>
        )}
      </dl>
    </div>
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

/** `2 of finance; after 10 min also finance-leads` */
function reviewersOf({ groups, quorum, escalate }: Requirement): string {
  const later = escalate.map(({ after, to }) => `; after ${duration(after)} also ${to.join(', ')}`);
  return `${quorum} of ${groups.join(' or ') || 'all reviewers'}${later.join('')}`;
}
