import '../styles/insights.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { ErrorPage } from '../page/error-page.tsx';
import { useTitle } from '../page/use-title.ts';
import { reportsQuery } from '../server/reports.ts';
import { Attention } from './attention.tsx';
import { Headline } from './headline.tsx';
import { PeriodBar } from './period-bar.tsx';
import { ReportCard } from './report-card.tsx';

const route = getRouteApi('/shell/insights');

/** What was done, by whom and at what cost, and where people are needed: all reports, drawn. */
export function InsightsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data: reports, error, refetch } = useQuery(reportsQuery);
  useTitle('Insights');
  if (error && !reports) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="insights" aria-busy={!reports}>
      <div className="page-head">
        <h1>Insights</h1>
        <p>against the period before</p>
      </div>
      <PeriodBar search={search} set={(next) => void navigate({ search: next, replace: true })} />
      <Headline search={search} />
      {reports && <Attention reports={reports} search={search} />}
      <section className="report-cards" aria-label="All reports">
        {reports?.map((header) => (
          <ReportCard key={header.name} header={header} search={search} />
        ))}
      </section>
    </main>
  );
}
