import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Evaluation } from '../server/shapes.ts';
import { AgentText } from '../text/agent-text.tsx';
import { When } from '../time/when.tsx';
import { SAID_TAGS } from './level-words.ts';
import type { RecordedCall } from './recorded-call.ts';

type Props = {
  readonly call: RecordedCall;
  readonly evaluation: Evaluation;
  /** Whether what was judged now is no longer what is on record. */
  readonly isChanged: boolean;
};

/** The decision on a recorded call next to the one that policy would make now. */
export function ThenAndNow({ call, evaluation: { revision, decision }, isChanged }: Props) {
  const rules = [...new Set(decision.rules.map(({ id }) => id))];
  const groups = [...new Set((decision.terms?.requirements ?? []).flatMap((asked) => asked.groups))];
  const isSame = call.verdict === decision.verdict;
  const areRulesSame = isSameSet(call.rules, rules);
  return (
    <div className="then-and-now">
      <p className={isSame ? 'notice good' : 'notice warn'} role="status">
        <span>
          {isSame ? (
            <>
              Policy would say the same now: <strong>{decision.verdict}</strong>
              {areRulesSame ? '.' : ', by other rules.'}
            </>
          ) : (
            <>
              Policy said <strong>{call.verdict}</strong> then, and would say <strong>{decision.verdict}</strong> now.
            </>
          )}
          {isChanged && ' The input was changed here, so these are two different calls.'}
        </span>
      </p>
      <div className="table-box">
        <table>
          <thead>
            <tr>
              <td />
              <th scope="col">
                Then, <When at={call.at} />
              </th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            <Row name="Verdict" isOther={!isSame}>
              <span className={`tag ${SAID_TAGS[call.verdict] ?? ''}`}>{call.verdict}</span>
              <span className={`tag ${SAID_TAGS[decision.verdict]}`}>{decision.verdict}</span>
            </Row>
            <Row name="Reason" isOther={call.reason !== decision.reason}>
              <AgentText text={call.reason || '–'} />
              <AgentText text={decision.reason} />
            </Row>
            <Row name="Rules" isOther={!areRulesSame}>
              <AgentText text={call.rules.join(', ') || '–'} />
              <AgentText text={rules.join(', ')} />
            </Row>
            {(call.level !== null || decision.terms !== null) && (
              <>
                <Row name="Level" isOther={call.level !== (decision.terms?.level ?? null)}>
                  <>{call.level ?? '–'}</>
                  <>{decision.terms?.level ?? '–'}</>
                </Row>
                <Row name="Asked" isOther={!isSameSet(call.groups, groups)}>
                  <>{call.groups.join(', ') || '–'}</>
                  <>{groups.join(', ') || '–'}</>
                </Row>
              </>
            )}
            <Row name="Policy" isOther={call.revision !== revision}>
              <Link to="/calls" search={{ policy_revision: call.revision }}>
                <code>{call.revision.slice(0, 12)}</code>
              </Link>
              <code>{revision?.slice(0, 12)}</code>
            </Row>
          </tbody>
        </table>
      </div>
    </div>
  );
}

type RowProps = {
  readonly name: string;
  readonly isOther: boolean;
  readonly children: readonly [ReactNode, ReactNode];
};

function Row({ name, isOther, children: [then, now] }: RowProps) {
  return (
    <tr className={isOther ? 'other' : ''}>
      <th scope="row">
        {name}
        {isOther && <span className="unseen"> differs</span>}
      </th>
      <td>{then}</td>
      <td>{now}</td>
    </tr>
  );
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((each) => others.includes(each));
}
