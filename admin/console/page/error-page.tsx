import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { CloudOff, Compass } from 'lucide-react';
import { Unreachable } from '../server/problem.ts';

/** What a page shows that could not be shown. */
export function ErrorPage({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const message = error instanceof Error ? error.message : String(error);
  const isAway = error instanceof Unreachable;
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <main id="main" className="quiet-state">
      <CloudOff size={32} aria-hidden />
      <h1>{isAway ? 'The gateway cannot be reached' : 'This page could not be shown'}</h1>
      <p>{isAway ? 'Held calls stay held, and their clocks go on. Check your network.' : message}</p>
      <button type="button" className="button" onClick={again}>
        Try again
      </button>
    </main>
  );
}

export function NotFoundPage() {
  return (
    <main id="main" className="quiet-state">
      <Compass size={32} aria-hidden />
      <h1>There is no such page</h1>
      <p>The address may be cut off, or of an earlier version.</p>
      <Link to="/holds" className="button">
        Go to the held calls
      </Link>
    </main>
  );
}
