import { Toggle } from '../page/chips.tsx';
import { useClock } from '../time/use-clock.ts';
import { dayOf, DAYS, periodIn, type PeriodSearch } from './period.ts';

type Props = { readonly search: PeriodSearch; readonly set: (search: PeriodSearch) => void };

/** Which period is shown: so many days until now, or any days. */
export function PeriodBar({ search, set }: Props) {
  const period = periodIn(search);
  const days = 'days' in period ? period.days : null;
  const today = useClock(dayOf);
  const begin = useClock((now) => dayOf(now - (days ?? 0) * 86_400_000));
  const range = 'days' in period ? { from: begin, to: today } : period;
  const change = (name: 'from' | 'to') => (value: string) => {
    if (value === '') return;
    const next = { ...range, [name]: value };
    if (next.from <= next.to) set(next);
  };
  return (
    <fieldset className="chips period-bar">
      <legend className="unseen">Period</legend>
      {DAYS.map((each) => (
        <Toggle key={each} name={`${each} days`} isOn={days === each} set={() => set({ days: each })} />
      ))}
      <DayField name="from" value={range.from} most={range.to} set={change('from')} />
      <DayField name="to" value={range.to} most={today} set={change('to')} />
    </fieldset>
  );
}

type DayProps = {
  readonly name: string;
  readonly value: string;
  readonly most: string;
  readonly set: (day: string) => void;
};

function DayField({ name, value, most, set }: DayProps) {
  return (
    <label className="chip">
      <span>{name}</span>
      <input type="date" value={value} max={most} onChange={({ target }) => set(target.value)} />
    </label>
  );
}
