import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { reportQuery } from '../server/reports.ts';
import type { Report } from '../server/shapes.ts';
import { addedUp, costWords } from '../text/costs.ts';
import { periodIn, type Period, type PeriodSearch } from './period.ts';
import { changeWords, numberWords } from './value-words.ts';

/** A number of the first row of figures, now and in the period before. */
type Figure = { readonly value: number | null; readonly words: string };

type Tile = {
  readonly title: string;
  readonly report: string;
  /** One figure, or one for each unit of cost. */
  readonly figures: (report: Report) => readonly (Figure & { readonly key: string })[];
};

const sum = (report: Report, name: string) => report.rows.reduce((total, row) => total + Number(row[name] ?? 0), 0);
const one = (value: number | null, words: string) => [{ key: '', value, words }];
const costs = (name: string) => (report: Report) =>
  addedUp(report.rows.map((row) => ({ unit: String(row['cost_unit'] ?? ''), amount: Number(row[name] ?? 0) })))
    .filter(({ amount }) => amount > 0)
    .map((cost) => ({ key: cost.unit, value: cost.amount, words: costWords(cost) }));

/** What leaders ask first. Each comes from a report, and leads to it. */
const TILES: readonly Tile[] = [
  {
    title: 'work done',
    report: 'work-executed',
    figures: (report) => one(sum(report, 'executed'), numberWords('count', sum(report, 'executed'))),
  },
  {
    title: 'without people',
    report: 'work-executed',
    figures(report) {
      const calls = sum(report, 'allowed') + sum(report, 'held');
      const share = calls === 0 ? null : sum(report, 'allowed') / calls;
      return one(share, share === null ? '–' : numberWords('share', share));
    },
  },
  {
    title: 'people took, median',
    report: 'decision-times',
    figures(report) {
      const p50 = report.rows.find(({ group }) => group === '(all)')?.['p50_ms'];
      return one(typeof p50 === 'number' ? p50 : null, typeof p50 === 'number' ? numberWords('ms', p50) : '–');
    },
  },
  {
    title: 'blocked',
    report: 'work-executed',
    figures: (report) => one(sum(report, 'blocked'), numberWords('count', sum(report, 'blocked'))),
  },
  { title: 'cost', report: 'cost', figures: costs('cost') },
  { title: 'cost avoided', report: 'cost-avoided', figures: costs('cost_avoided') },
];

/** Six numbers, each beside the same of the period before. */
export function Headline({ search }: { readonly search: PeriodSearch }) {
  const period = periodIn(search);
  return (
    <dl className="totals">
      {TILES.map((tile) => (
        <HeadlineTile key={tile.title} tile={tile} period={period} search={search} />
      ))}
    </dl>
  );
}

type Props = { readonly tile: Tile; readonly period: Period; readonly search: PeriodSearch };

function HeadlineTile({ tile: { title, report, figures }, period, search }: Props) {
  const { data, error } = useQuery(reportQuery(report, period));
  const { data: before } = useQuery(reportQuery(report, period, {}, true));
  const now = data ? figures(data) : [];
  const then = before ? figures(before) : [];
  return (
    <div className="total">
      <dt>
        <Link to="/insights/$report" params={{ report }} search={search}>
          {title}
        </Link>
      </dt>
      <dd>
        {!data && <span className="hint">{error ? 'away' : '…'}</span>}
        {data && now.length === 0 && '–'}
        {now.map(({ key, value, words }) => (
          <span key={key}>
            {words} <Change now={value} before={before && (then.find((each) => each.key === key)?.value ?? 0)} />
          </span>
        ))}
      </dd>
    </div>
  );
}

function Change({ now, before }: { readonly now: number | null; readonly before: number | undefined }) {
  const words = now === null || before === undefined ? null : changeWords(now, before);
  return (
    words !== null && (
      <small className="change" title="against the period before">
        {words}
      </small>
    )
  );
}
