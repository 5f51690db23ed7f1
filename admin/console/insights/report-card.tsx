import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { reportQuery } from '../server/reports.ts';
import type { ReportHeader } from '../server/shapes.ts';
import { FindingText } from './finding-text.tsx';
import { findingOf } from './finding.ts';
import { periodIn, type PeriodSearch } from './period.ts';
import { Pictures } from './pictures.tsx';

const NO_ROWS: readonly never[] = [];

type Props = { readonly header: ReportHeader; readonly search: PeriodSearch };

/** One report of many: its question, its picture and what its first row says. Read only once it can be seen. */
export function ReportCard({ header, search }: Props) {
  const card = useRef<HTMLElement>(null);
  const [isSeen, setSeen] = useState(false);
  const { data, error } = useQuery({ ...reportQuery(header.name, periodIn(search)), enabled: isSeen });
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && setSeen(true), {
      rootMargin: '200px',
    });
    watch.observe(card.current!);
    return () => watch.disconnect();
  }, []);
  const finding = data?.rows[0] && findingOf(data, data.rows[0]);
  return (
    <article ref={card} className="report-card" aria-busy={isSeen && !data && !error}>
      <h3>
        <Link to="/insights/$report" params={{ report: header.name }} search={search}>
          {header.title}
        </Link>
      </h3>
      <p>{header.question}</p>
      {error && <p className="wrong">{error.message}</p>}
      {data?.rows.length === 0 && <p className="hint">Nothing in this period.</p>}
      {data && data.rows.length > 0 && header.chart.kind !== 'table' && (
        <Pictures report={data} before={NO_ROWS} most={1} />
      )}
      {finding && (
        <p className="report-finding">
          <FindingText parts={finding} />
        </p>
      )}
    </article>
  );
}
