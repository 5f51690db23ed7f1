import '../styles/calls.css';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { SearchX } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { ErrorPage } from '../page/error-page.tsx';
import { useKeys } from '../page/keys.ts';
import { useTitle } from '../page/use-title.ts';
import { callsQuery, tailQuery } from '../server/calls.ts';
import { moment } from '../time/duration.ts';
import { CallFilterBar } from './call-filter-bar.tsx';
import { CallRow } from './call-row.tsx';
import { joined } from './tail.ts';

const route = getRouteApi('/shell/calls');

/** Every call on record: what was asked, who asked, what policy said, and how it ended. */
export function CallsPage() {
  const filter = route.useSearch();
  const { data, error, isPending, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(
    callsQuery(filter),
  );
  const [isLive, setLive] = useState(false);
  const { data: tail, error: tailError } = useQuery({ ...tailQuery(filter), enabled: isLive });
  const list = useRef<HTMLUListElement>(null);
  useTitle('Calls');

  const pages = data?.pages ?? [];
  const last = pages.at(-1);
  const calls = useMemo(
    () => joined(tail?.calls ?? [], data?.pages.flatMap(({ items }) => items) ?? []),
    [tail?.calls, data?.pages],
  );

  const move = (step: 1 | -1) => () => {
    const links = [...(list.current?.querySelectorAll<HTMLElement>('a[data-call]') ?? [])];
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
  };
  useKeys({ j: move(1), k: move(-1) });

  if (error && !data) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="calls" aria-busy={isPending}>
      <div className="page-head">
        <h1>Calls</h1>
        <p>{isPending ? 'Looking…' : countOf(calls.length, hasNextPage)}</p>
      </div>
      <CallFilterBar filter={filter} calls={calls} isLive={isLive} setLive={setLive} />
      {(pages[0]?.source === 'journal' || tail?.source === 'journal') && (
        <p className="notice warn">
          ClickHouse does not answer. These are the calls that this gateway has not delivered to it yet; earlier ones
          are missing.
        </p>
      )}
      {isLive && tail?.hasGap && (
        <p className="hint">More calls come than are shown: of each two seconds the newest 50.</p>
      )}
      {isLive && tailError && <p className="wrong">{tailError.message}</p>}
      {!isPending && calls.length === 0 ? (
        <div className="quiet-state">
          <SearchX size={32} aria-hidden />
          <h2>No call fits</h2>
          <p>A call is here a second or two after it was judged.</p>
        </div>
      ) : (
        <ul ref={list} className="row-box call-list" aria-label="Calls">
          {calls.map((call) => (
            <CallRow key={call.call_id} call={call} />
          ))}
        </ul>
      )}
      {last?.searched_since != null && (
        <p className="hint">Calls before {moment(last.searched_since)} were not looked through yet.</p>
      )}
      {error && <p className="wrong">{error.message}</p>}
      {hasNextPage && (
        <button type="button" className="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Looking…' : 'Show earlier calls'}
        </button>
      )}
    </main>
  );
}

function countOf(count: number, areMore: boolean): string {
  if (count === 0) return '';
  return areMore ? `the newest ${count}` : count === 1 ? 'one call' : `${count} calls`;
}
