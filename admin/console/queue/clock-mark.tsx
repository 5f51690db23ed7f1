import type { HoldSummary } from '../server/holds.ts';
import { duration } from '../time/duration.ts';
import { useClock } from '../time/use-clock.ts';
import { isOverdue, nextDeadline } from './lanes.ts';

const CIRCUMFERENCE = 2 * Math.PI * 9;
/** Steps of the ring: it moves, and renders, only this often. */
const STEPS = 48;

/** Less time than this is said in another colour, in milliseconds. */
const SOON = 120_000;

type Props = {
  readonly hold: Pick<HoldSummary, 'status' | 'sla_at' | 'expires_at' | 'created_at'> & {
    readonly routing: { readonly escalates_at: string | null };
  };
};

/** What the clock does next to a hold, how much of the time until then is left, and how late the decision is. */
export function ClockMark({ hold }: Props) {
  // One text for all, so that a list of many looks at its clock once a second for each.
  const shown = useClock((now) => {
    if (hold.status !== 'pending') return '';
    const next = nextDeadline(hold, now);
    const from = Date.parse(hold.created_at);
    const left = next ? (next.at - now) / Math.max(1, next.at - from) : 0;
    const ring = Math.min(1, Math.round(left * STEPS) / STEPS) * CIRCUMFERENCE;
    const rest = next ? duration(next.at - now) : 'now';
    const what = next?.what ?? 'expires';
    if (isOverdue(hold, now)) {
      const late = duration(now - Date.parse(hold.sla_at));
      return ['overdue', ring, `${late} late`, next ? `${what} in ${rest}` : `${what} now`].join('|');
    }
    return [next && next.at - now < SOON ? 'soon' : 'calm', ring, rest, what].join('|');
  });
  if (shown === '') return null;
  const [tone, ring, time, what] = shown.split('|');
  return (
    <span className={`clock ${tone}`}>
      <span className="clock-words">
        <span className="clock-time">{time}</span>
        <span className="clock-what">{what}</span>
      </span>
      <svg viewBox="0 0 22 22" width="22" height="22" aria-hidden="true">
        <circle cx="11" cy="11" r="9" className="clock-whole" />
        <circle
          cx="11"
          cy="11"
          r="9"
          className="clock-left"
          strokeDasharray={`${ring} ${CIRCUMFERENCE}`}
          transform="rotate(-90 11 11)"
        />
      </svg>
    </span>
  );
}
