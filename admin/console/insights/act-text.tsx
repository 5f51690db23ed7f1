import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { reportsQuery } from '../server/reports.ts';
import type { PeriodSearch } from './period.ts';

type Props = { readonly act: string; readonly search: PeriodSearch };

/** What to do about a report. The reports that it names are links; the columns are code. */
export function ActText({ act, search }: Props) {
  const { data: reports = [] } = useQuery(reportsQuery);
  return act.split(/(`[^`]+`|[a-z]+(?:-[a-z]+)+)/).map((part, index) => {
    if (part.startsWith('`')) return <code key={index}>{part.slice(1, -1)}</code>;
    if (!reports.some(({ name }) => name === part)) return part;
    return (
      <Link key={index} to="/insights/$report" params={{ report: part }} search={search}>
        {part}
      </Link>
    );
  });
}
