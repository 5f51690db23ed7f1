import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router';
import { Keyboard } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { OutboxProvider } from '../decide/use-outbox.tsx';
import { UndoMessages } from '../decide/undo-messages.tsx';
import { sessionQuery } from '../server/session.ts';
import { HelpDialog } from './help-dialog.tsx';
import { useKeys } from './keys.ts';
import { LiveContext, useLiveState } from './live-context.ts';
import { Mark } from './mark.tsx';
import { Nav } from './nav.tsx';
import { StopNotice } from './stop-notice.tsx';
import { useLive } from './use-live.ts';

/** What is around every page of somebody signed in. */
export function Shell() {
  const live = useLive();
  useReturnToSignIn();
  return (
    <LiveContext value={live}>
      <OutboxProvider>
        <a className="skip" href="#main">
          Skip to the page
        </a>
        <Top />
        <StopNotice />
        <Outlet />
        <UndoMessages />
      </OutboxProvider>
    </LiveContext>
  );
}

function Top() {
  const [helps, setHelps] = useState(false);
  useKeys({ '?': () => setHelps(true) });
  return (
    <header className="top">
      <div>
        <Link to="/holds" className="brand" aria-label="Holdpoint">
          <Mark />
          <span className="word">Holdpoint</span>
        </Link>
        <Nav />
        <span className="apart" />
        <Live />
        <button type="button" className="top-button only-keys" onClick={() => setHelps(true)} aria-keyshortcuts="?">
          <Keyboard size={17} aria-hidden />
          <span className="word">Keys</span>
        </button>
      </div>
      <HelpDialog isOpen={helps} close={() => setHelps(false)} />
    </header>
  );
}

const LIVE = {
  on: { word: 'Live', title: 'Changes appear by themselves' },
  connecting: { word: 'Connecting', title: 'Connecting to the gateway' },
  off: { word: 'Offline', title: 'The gateway cannot be reached. What you see may be old; it is looked for again.' },
} as const;

function Live() {
  const live = useLiveState();
  const { word, title } = LIVE[live];
  return (
    <span role="status" className={`live ${live}`} title={title}>
      {word}
    </span>
  );
}

/** A session that ends leads to the sign-in, and from there back. */
function useReturnToSignIn(): void {
  const { data: person } = useQuery(sessionQuery);
  const navigate = useNavigate();
  const href = useRouterState({ select: ({ location }) => location.href });
  const here = useRef(href);
  useEffect(() => {
    here.current = href;
  }, [href]);
  useEffect(() => {
    if (person === null) void navigate({ to: '/sign-in', search: { to: here.current }, replace: true });
  }, [person, navigate]);
}
