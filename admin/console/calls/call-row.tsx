import '../styles/calls.css';
import { Link } from '@tanstack/react-router';
import { memo } from 'react';
import { visibleLine, shortLine } from '../../../gateway/domain/visible-text.ts';
import type { CallSummary } from '../server/shapes.ts';
import { moment } from '../time/duration.ts';
import { endOf, VERDICT_TAGS } from './words.ts';

/** Longer names are cut; the page of the call has them whole. Characters. */
const LONGEST_NAME = 120;

export const CallRow = memo(function CallRow({ call }: { readonly call: CallSummary }) {
  const { call_id, at, verdict, operation, system, agent, rules, reason } = call;
  const why = reason === '' ? rules.join(', ') : reason;
  return (
    <li className="call-item">
      <Link to="/calls/$callId" params={{ callId: call_id }} data-call={call_id} className="call-link">
        <time dateTime={at}>{moment(at)}</time>
        <span className={`tag ${VERDICT_TAGS[verdict] ?? ''}`}>{verdict}</span>
        <span className="call-what">
          <strong>
            <bdi>{shortLine(operation, LONGEST_NAME)}</bdi>
          </strong>{' '}
          <span className="call-system">{system}</span>
        </span>
        <span className="call-agent">
          <bdi>{shortLine(agent, LONGEST_NAME)}</bdi>
        </span>
        <span className="call-why">
          <bdi>{visibleLine(why)}</bdi>
        </span>
        <span className="call-end">{endOf(call)}</span>
      </Link>
    </li>
  );
});
