import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import {
  Bot,
  ChartNoAxesColumn,
  ChevronDown,
  Inbox,
  LogOut,
  Radar,
  Scale,
  ScanSearch,
  ScrollText,
  Send,
  UserRound,
} from 'lucide-react';
import { useRef } from 'react';
import { sessionQuery, signOut } from '../server/session.ts';

/** A list whose filters stand in the address is the same page with any of them. */
const ANY_FILTER = { includeSearch: false };

/** The pages that people open many times a day, and the others in a list. */
export function Nav() {
  return (
    <nav aria-label="Pages">
      <Link to="/holds" activeOptions={ANY_FILTER}>
        <Inbox size={17} aria-hidden />
        Queue
      </Link>
      <Link to="/work">
        <Radar size={17} aria-hidden />
        Work
      </Link>
      <Link to="/calls" activeOptions={ANY_FILTER}>
        <ScrollText size={17} aria-hidden />
        Calls
      </Link>
      <Link to="/insights" activeOptions={ANY_FILTER}>
        <ChartNoAxesColumn size={17} aria-hidden />
        Insights
      </Link>
      <More />
    </nav>
  );
}

/** The browser opens it, and closes it with Esc or a click elsewhere. */
function More() {
  const cache = useQueryClient();
  const { data: person } = useQuery(sessionQuery);
  const navigate = useNavigate();
  const list = useRef<HTMLDivElement>(null);
  const close = () => list.current?.hidePopover();
  const leave = async () => {
    await signOut().catch(() => {});
    cache.clear();
    await navigate({ to: '/sign-in' });
  };
  return (
    <>
      <button type="button" className="top-button" popoverTarget="more-pages">
        More
        <ChevronDown size={15} aria-hidden />
      </button>
      <div ref={list} id="more-pages" popover="auto" className="more-pages">
        <Link to="/coverage" activeOptions={ANY_FILTER} onClick={close}>
          <ScanSearch size={17} aria-hidden />
          Coverage
        </Link>
        <Link to="/policy" activeOptions={ANY_FILTER} onClick={close}>
          <Scale size={17} aria-hidden />
          Policy
        </Link>
        <Link to="/agents" activeOptions={ANY_FILTER} onClick={close}>
          <Bot size={17} aria-hidden />
          Agents
        </Link>
        {person?.roles.includes('operator') && (
          <Link to="/deliveries" activeOptions={ANY_FILTER} onClick={close}>
            <Send size={17} aria-hidden />
            Deliveries
          </Link>
        )}
        <Link to="/me" onClick={close}>
          <UserRound size={17} aria-hidden />
          Me
        </Link>
        <button type="button" className="top-button" onClick={() => void leave()}>
          <LogOut size={17} aria-hidden />
          Sign out
        </button>
      </div>
    </>
  );
}
