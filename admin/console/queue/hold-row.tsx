import { CircleHelp, Forward, Hand, UserRoundCheck } from 'lucide-react';
import { memo, type ReactNode } from 'react';
import { shortLine, visibleLine } from '../../../gateway/domain/visible-text.ts';
import type { HoldSummary } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { ago, moment } from '../time/duration.ts';
import { useClock } from '../time/use-clock.ts';
import { ClockMark } from './clock-mark.tsx';

type Props = {
  readonly hold: HoldSummary;
  readonly search: string;
  readonly heading: ReactNode;
  readonly isSelected: boolean;
  /** Whether it can be decided together with what is selected. */
  readonly isSelectable: boolean;
  readonly select: (id: string) => void;
};

/** One hold in the queue. A plain link, so that it opens in a new tab too; the list follows clicks on it. */
export const HoldRow = memo(function HoldRow({ hold, search, heading, isSelected, isSelectable, select }: Props) {
  const id = hold.hold_id;
  return (
    <li className={hold.status === 'pending' ? 'hold-item' : 'hold-item over'}>
      {heading}
      <div className="hold-row">
        <input
          type="checkbox"
          className="hold-select"
          aria-label={`Select ${titleOf(hold)}`}
          checked={isSelected}
          disabled={!isSelectable}
          onChange={() => select(id)}
        />
        <a href={`/holds/${id}${search}`} data-hold={id} className="hold-link">
          <span className="hold-title">
            <Kind {...hold} />
            <strong>
              <bdi>{titleOf(hold)}</bdi>
            </strong>
            {hold.action && <span className="hold-system">{hold.action.system}</span>}
          </span>
          <span className="hold-reason">
            {hold.kind === 'approval' ? <bdi>{visibleLine(hold.policy.reason)}</bdi> : <Task {...hold} />}
          </span>
          <Facts {...hold} />
        </a>
        <ClockMark hold={hold} />
      </div>
    </li>
  );
});

/** Longer names are cut: each stands whole on the page of its hold. Characters. */
const LONGEST_TITLE = 120;

/** What a hold is about, in the gateway's words and the name of the operation. */
export function titleOf({
  kind,
  action,
  agent,
}: Pick<HoldSummary, 'kind' | 'agent'> & { action: { operation: string } | null }) {
  if (kind === 'exception') return `${agent.id} asks for help`;
  if (kind === 'relay') return `${agent.id} hands work over`;
  return shortLine(action?.operation ?? '', LONGEST_TITLE);
}

function Task({ claims }: HoldSummary) {
  return claims.task === null ? null : (
    <span className="hold-claim">
      “<AgentText text={visibleLine(claims.task)} />”
    </span>
  );
}

function Kind({ kind, level }: HoldSummary) {
  if (kind === 'exception') return <CircleHelp size={17} aria-label="Question" />;
  if (kind === 'relay') return <Forward size={17} aria-label="Handover" />;
  if (level === 3) return <Hand size={17} aria-label="A person must do this" />;
  return null;
}

/** What lets an agent go on. */
const GOOD: ReadonlySet<HoldSummary['status']> = new Set(['approved', 'answered', 'accepted', 'taken-over']);

function Facts({ agent, routing, claims, status, decided, created_at }: HoldSummary) {
  const age = useClock((now) => ago(created_at, now));
  const { approvals, quorum, lease, groups } = routing;
  return (
    <span className="hold-facts">
      <span>{agent.id}</span>
      <span>{age}</span>
      {groups.length > 0 && <span>{groups.join(', ')}</span>}
      {quorum > 1 && (
        <span className="tag">
          {approvals} of {quorum} approvals
        </span>
      )}
      {claims.flags.slice(0, 3).map((flag) => (
        <span key={flag} className="tag claim" title="The agent says so">
          <bdi>{visibleLine(flag)}</bdi>
        </span>
      ))}
      {lease && status === 'pending' && (
        <span className="tag warn">
          <UserRoundCheck size={12} aria-hidden />
          {lease.by} is deciding
        </span>
      )}
      {decided && (
        <span className={GOOD.has(status) ? 'tag good' : 'tag'}>
          {status} by {decided.by ?? 'the gateway'} at {moment(decided.at)}
        </span>
      )}
      {!decided && status !== 'pending' && <span className="tag">{status}</span>}
    </span>
  );
}
