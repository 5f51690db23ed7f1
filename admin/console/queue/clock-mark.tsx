import type { HoldSummary } from '../server/holds.ts';
import { duration } from '../time/duration.ts';
import { useClock } from '../time/use-clock.ts';
import { isOverdue, nextDeadline } from './lanes.ts';

const CIRCUMFERENCE = 2 * Math.PI * 9;
/** Steps of the ring: it moves, and renders, only this often. */
const STEPS = 48;

type Props = {
  readonly hold: Pick<HoldSummary, 'status' | 'sla_at' | 'expires_at' | 'created_at'> & {
    readonly routing: { readonly escalates_at: string | null };
  };
};

/** What the clock does next to a hold, and how much of the time until then is left. */
export function ClockMark({ hold }: Props) {
  const label = useClock((now) => {
    const next = nextDeadline(hold, now);
    return next ? `${duration(next.at - now)}|${next.what}` : hold.status === 'pending' ? 'now|expires' : '';
  });
  const tone = useClock((now) => {
    if (isOverdue(hold, now)) return 'overdue';
    const left = (nextDeadline(hold, now)?.at ?? now) - now;
    return left < 120_000 ? 'soon' : 'calm';
  });
  const left = useClock((now) => {
    const next = nextDeadline(hold, now);
    const from = Date.parse(hold.created_at);
    return next ? Math.round(((next.at - now) / Math.max(1, next.at - from)) * STEPS) / STEPS : 0;
  });
  if (label === '') return null;
  const [time, what] = label.split('|');
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
          strokeDasharray={`${Math.min(1, left) * CIRCUMFERENCE} ${CIRCUMFERENCE}`}
          transform="rotate(-90 11 11)"
        />
      </svg>
    </span>
  );
}
