import { Link } from '@tanstack/react-router';
import { DatabaseZap } from 'lucide-react';
import { isRefused } from '../server/problem.ts';
import { ErrorPage } from './error-page.tsx';

type Props = { readonly title: string; readonly error: Error; readonly again: () => void };

/** A page that is made of the record, while the record cannot be read. */
export function RecordAway({ title, error, again }: Props) {
  if (!isRefused(error, 503)) return <ErrorPage error={error} reset={again} />;
  return (
    <main id="main" className="quiet-state">
      <DatabaseZap size={32} aria-hidden />
      <h1>{title} cannot be counted now</h1>
      <p>{error.message}</p>
      <p>
        Held calls can be decided as ever. <Link to="/policy">Policy</Link> shows the rules in force and tries calls,
        and <Link to="/calls">Calls</Link> shows what this gateway has not delivered to ClickHouse yet.
      </p>
      <button type="button" className="button" onClick={again}>
        Try again
      </button>
    </main>
  );
}
