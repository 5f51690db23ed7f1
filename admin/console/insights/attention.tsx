import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import { reportQuery } from '../server/reports.ts';
import type { ReportHeader } from '../server/shapes.ts';
import { FindingText } from './finding-text.tsx';
import { findingOf, needingPeople } from './finding.ts';
import { periodIn, type PeriodSearch } from './period.ts';

type Props = { readonly reports: readonly ReportHeader[]; readonly search: PeriodSearch };

/** What of the reports needs people, and what to do about it. */
export function Attention({ reports, search }: Props) {
  const asked = reports.filter(({ attention }) => attention !== null);
  const answers = useQueries({ queries: asked.map(({ name }) => reportQuery(name, periodIn(search))) });
  const needing = answers.flatMap(({ data }) => {
    const rows = data ? needingPeople(data, data.rows) : [];
    return data && rows[0] ? [{ report: data, row: rows[0], count: rows.length }] : [];
  });
  const isRead = answers.every(({ isPending }) => !isPending);
  const areAway = answers.some(({ isError }) => isError);
  return (
    <section className="part attention" aria-labelledby="attention-title" aria-busy={!isRead}>
      <h2 id="attention-title">Needs people</h2>
      {areAway && (
        <p className="notice warn">
          ClickHouse does not answer, so the reports are missing. Deciding, and what is in flight, work as ever.
        </p>
      )}
      {isRead && !areAway && needing.length === 0 && (
        <p className="notice good">
          <CircleCheck size={18} aria-hidden />
          Nothing stands out in this period.
        </p>
      )}
      <ul className="row-box">
        {needing.map(({ report, row, count }) => (
          <li key={report.name}>
            <Link to="/insights/$report" params={{ report: report.name }} search={search} className="attention-row">
              <span className="attention-title">{report.title}</span>
              <span className="attention-finding">
                <FindingText parts={findingOf(report, row) ?? []} />
                {count > 1 && <span className="hint"> And {count - 1} more.</span>}
              </span>
              <span className="attention-act">{report.act.replaceAll('`', '')}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}
