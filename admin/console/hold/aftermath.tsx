import { Check, CircleDashed, CircleHelp, X } from 'lucide-react';
import type { ReactNode } from 'react';
import type { HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { Said } from '../text/said.tsx';
import { When } from '../time/when.tsx';

type Step = { readonly state: 'done' | 'now' | 'bad' | 'unknown'; readonly text: ReactNode };

/** What happened after the decision, step by step. It moves on by itself. */
export function Aftermath({ hold }: { readonly hold: HoldPackage }) {
  return (
    <section className="part aftermath" aria-labelledby="aftermath-title">
      <h2 id="aftermath-title">What happened</h2>
      <ol aria-live="polite">
        {stepsOf(hold).map(({ state, text }, index) => (
          <li key={index} className={state}>
            {ICONS[state]}
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const ICONS = {
  done: <Check size={17} aria-hidden />,
  now: <CircleDashed size={17} aria-hidden />,
  bad: <X size={17} aria-hidden />,
  unknown: <CircleHelp size={17} aria-hidden />,
} as const;

const WORDS: Readonly<Record<HoldPackage['status'], string>> = {
  pending: 'Waiting',
  approved: 'Approved',
  rejected: 'Rejected',
  expired: 'Expired',
  cancelled: 'Withdrawn',
  superseded: 'Ended by policy',
  'taken-over': 'Taken over',
  lapsed: 'Approved, but not collected in time',
  answered: 'Answered',
  accepted: 'Accepted',
  returned: 'Returned',
};

function stepsOf(hold: HoldPackage): Step[] {
  const { status, execution, decided, attempt, outcome } = hold;
  const steps: Step[] = [];
  steps.push({
    state: /^(?:expired|superseded|lapsed)$/.test(status) ? 'bad' : 'done',
    text: (
      <>
        {WORDS[status]}
        {decided && (
          <>
            {decided.by !== null && ` by ${decided.by}`} at <When at={decided.at} />
            {decided.code !== null && <span className="tag">{decided.code}</span>}
            <Said text={decided.note} />
          </>
        )}
        {hold.grant !== null && <span className="hint">by an earlier approval ({hold.grant})</span>}
      </>
    ),
  });
  if (hold.answer) {
    const { option, data } = hold.answer;
    const given = [option, data === null ? null : JSON.stringify(data)].filter((each) => each !== null);
    if (given.length > 0)
      steps.push({
        state: 'done',
        text: (
          <>
            The agent got: <AgentText text={given.join(', ')} />
          </>
        ),
      });
  }
  if (status === 'approved' && execution === 'none')
    steps.push({
      state: 'now',
      text: (
        <>
          Waits for the agent to collect it
          {hold.redeem_by !== null && (
            <>
              , until <When at={hold.redeem_by} />
            </>
          )}
        </>
      ),
    });
  if (attempt)
    steps.push({
      state: execution === 'releasing' ? 'now' : 'done',
      text: (
        <>
          {execution === 'releasing' ? 'Being sent since' : 'Sent at'} <When at={attempt.at} />
          {attempt.number > 1 && ` (attempt ${attempt.number})`}
        </>
      ),
    });
  if (execution === 'executed')
    steps.push({ state: 'done', text: `Answered with status ${hold.upstream_status ?? 'unknown'}` });
  if (execution === 'failed') steps.push({ state: 'bad', text: 'Nothing was sent: the system could not be reached.' });
  if (execution === 'indeterminate')
    steps.push({
      state: 'unknown',
      text: 'The connection broke before an answer came: it may or may not have been done.',
    });
  if (execution === 'indeterminate' && hold.resend_at !== null)
    steps.push({
      state: 'now',
      text: (
        <>
          It is sent again at <When at={hold.resend_at} />, with the same Idempotency-Key
        </>
      ),
    });
  if (outcome)
    steps.push({
      state: 'done',
      text: (
        <>
          {outcome.by} reported at <When at={outcome.at} />:{' '}
          {outcome.result === 'executed' ? 'it was done' : 'it was not done'}
          {outcome.reference !== null && <span className="tag">{outcome.reference}</span>}
          <Said text={outcome.note} />
        </>
      ),
    });
  else if (status === 'taken-over')
    steps.push({ state: 'now', text: `Waits for ${decided?.by ?? 'the person'} to report how it went` });
  return steps;
}
