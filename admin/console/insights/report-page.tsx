import '../styles/insights.css';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ArrowLeft, Download } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { ErrorPage } from '../page/error-page.tsx';
import { Toggle } from '../page/chips.tsx';
import { useTitle } from '../page/use-title.ts';
import { csvPath, reportQuery } from '../server/reports.ts';
import { ActText } from './act-text.tsx';
import { FindingText } from './finding-text.tsx';
import { callsBehind, findingOf, needingPeople } from './finding.ts';
import { ParameterBar } from './parameter-bar.tsx';
import { PeriodBar } from './period-bar.tsx';
import { periodIn, periodSearchIn } from './period.ts';
import { Pictures } from './pictures.tsx';
import { givenIn } from './report-search.ts';
import { ReportTable } from './report-table.tsx';
import { savePicture } from './save-picture.ts';
import type { Row } from './value-words.ts';

const route = getRouteApi('/shell/insights/$report');
const NO_ROWS: readonly Row[] = [];

/** One report: its picture against the period before, what it says, what to do about it, and all its rows. */
export function ReportPage() {
  const { report: name } = route.useParams();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const period = periodIn(search);
  const given = givenIn(search);
  const { data, error, refetch, isPlaceholderData } = useQuery({
    ...reportQuery(name, period, given),
    placeholderData: keepPreviousData,
  });
  const { data: before } = useQuery(reportQuery(name, period, given, true));
  const [showsBefore, setShowsBefore] = useState(true);
  const moment = useMemo(() => data && momentsOf(data.parameters), [data]);
  const open = useCallback(
    (row: Row) => {
      const calls = data && moment && callsBehind(data, row, moment);
      if (calls) void navigate({ to: '/calls', search: calls });
    },
    [data, moment, navigate],
  );
  useTitle(data?.title ?? 'Insights');
  if (error && !data) return <ErrorPage error={error} reset={() => void refetch()} />;
  if (!data || !moment) return <main id="main" className="report" aria-busy />;
  const [needing = data.rows[0]] = needingPeople(data, data.rows);
  const finding = needing && findingOf(data, needing);
  const canCompare = data.chart.kind === 'bar' && (before?.rows.length ?? 0) > 0;
  return (
    <main id="main" className="report" aria-busy={isPlaceholderData}>
      <Link to="/insights" search={periodSearchIn(search)} className="back">
        <ArrowLeft size={16} aria-hidden />
        Insights
      </Link>
      <div className="page-head">
        <h1>{data.title}</h1>
        <p>{data.question}</p>
      </div>
      <div className="report-tools">
        <PeriodBar search={search} set={(next) => void navigate({ search: { ...given, ...next }, replace: true })} />
        <ParameterBar
          parameters={data.parameters}
          given={given}
          set={(next) => void navigate({ search: { ...periodSearchIn(search), ...next }, replace: true })}
        />
      </div>
      {error && <p className="wrong">{error.message}</p>}
      <div className="notice report-says">
        <p>
          {finding && (
            <>
              <FindingText parts={finding} />{' '}
            </>
          )}
          <ActText act={data.act} search={periodSearchIn(search)} />
        </p>
      </div>
      {data.rows.length === 0 && <p className="hint">Nothing in this period.</p>}
      {data.chart.kind !== 'table' && data.rows.length > 0 && (
        <section className="part" aria-label="Picture">
          {canCompare && (
            <div className="chips">
              <Toggle name="the period before" isOn={showsBefore} set={setShowsBefore} />
            </div>
          )}
          <Pictures
            report={data}
            before={canCompare && showsBefore ? before!.rows : NO_ROWS}
            open={data.calls ? open : undefined}
            save={(canvas, drawn) => void savePicture(canvas, drawn, moment)}
          />
        </section>
      )}
      <div className="report-saves">
        <a className="button small" href={csvPath(name, period, given)} download={`${name}.csv`}>
          <Download size={15} aria-hidden />
          Save all values as CSV
        </a>
      </div>
      <ReportTable report={data} moment={moment} />
    </main>
  );
}

/** The period that the answer is about. */
function momentsOf(parameters: readonly { readonly name: string; readonly value: string | number }[]) {
  const value = (name: string) => String(parameters.find((each) => each.name === name)?.value);
  return { from: value('from'), to: value('to') };
}
