import '../styles/queue.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useRouter } from '@tanstack/react-router';
import { Leaf, SearchX } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState, type MouseEvent } from 'react';
import { flushSync } from 'react-dom';
import { ErrorPage } from '../page/error-page.tsx';
import { useKeys } from '../page/keys.ts';
import { StateNotices } from '../page/state-notices.tsx';
import { useTitle } from '../page/use-title.ts';
import { VERB_KEYS, type Verb } from '../page/verb.ts';
import { endedQuery, waitingQuery, type HoldSummary } from '../server/holds.ts';
import { useDeciders } from '../server/session.ts';
import { useClock } from '../time/use-clock.ts';
import { FilterBar } from './filter-bar.tsx';
import { useGrowingList } from './growing-list.ts';
import { HoldRow } from './hold-row.tsx';
import { fits, lanesOf, RESORT } from './lanes.ts';
import { SelectionBar } from './selection-bar.tsx';
import { useSteady } from './steady.ts';
import { lastOpened, startWalk } from './walk.ts';

const route = getRouteApi('/shell/holds');

type Lanes = { readonly overdue: readonly string[]; readonly waiting: readonly string[] };

export function QueuePage() {
  const filter = route.useSearch();
  const isEnded = filter.status !== undefined && filter.status !== 'pending';
  const waiting = useQuery({ ...waitingQuery, enabled: !isEnded });
  const ended = useQuery({ ...endedQuery(filter), enabled: isEnded });
  const { data: list, error, isPending, refetch } = isEnded ? ended : waiting;
  const mine = useDeciders();
  const now = useClock((time) => Math.ceil(time / RESORT) * RESORT);

  const items = useMemo(() => list?.items ?? [], [list]);
  const byId = useMemo(() => new Map(items.map((hold) => [hold.hold_id, hold])), [items]);
  const lanes = useMemo((): Lanes => {
    if (isEnded) return { overdue: [], waiting: items.map(({ hold_id }) => hold_id) };
    const { overdue, waiting } = lanesOf(
      items.filter((hold) => fits(hold, filter, mine, now)),
      now,
    );
    return { overdue: overdue.map(idOf), waiting: waiting.map(idOf) };
  }, [items, filter, mine, isEnded, now]);
  const count = lanes.overdue.length + lanes.waiting.length;
  useTitle(count > 0 && !isEnded ? `(${count}) Held calls` : 'Held calls');

  if (error && !list) return <ErrorPage error={error} reset={() => void refetch()} />;
  return (
    <main id="main" className="queue" aria-busy={isPending}>
      <div className="page-head">
        <h1>Held calls</h1>
        <p>
          {isPending
            ? 'Looking…'
            : summary(count, lanes.overdue.length, isEnded ? filter.status : undefined, list?.rest === 'coming')}
        </p>
      </div>
      <FilterBar filter={filter} holds={items} />
      <StateNotices />
      {isPending ? (
        <Loading />
      ) : count === 0 ? (
        <Empty isFiltered={Object.keys(filter).length > 0} />
      ) : (
        <HeldCalls key={JSON.stringify(filter)} lanes={lanes} byId={byId} isEnded={isEnded} />
      )}
      {list?.rest === 'too-many' && (
        <p className="hint">
          Only the {items.length} {isEnded ? 'newest' : 'that are due first'} are shown.
        </p>
      )}
    </main>
  );
}

const idOf = ({ hold_id }: HoldSummary) => hold_id;

/** @param ended the state of the holds that are shown, when they are over */
function summary(count: number, overdue: number, ended: string | undefined, areMoreComing: boolean): string {
  // On a phone, the filter that says so may be out of sight.
  if (ended !== undefined) return count === 0 ? ended : `${ended}, the newest ${count}`;
  if (count === 0) return '';
  if (areMoreComing) return `More than ${count} wait for people`;
  const waits = count === 1 ? '1 waits for a person' : `${count} wait for a person`;
  return overdue === 0 ? waits : `${waits}, ${overdue} overdue`;
}

type HeldCallsProps = {
  readonly lanes: Lanes;
  readonly byId: ReadonlyMap<string, HoldSummary>;
  readonly isEnded: boolean;
};

function HeldCalls({ lanes, byId, isEnded }: HeldCallsProps) {
  const router = useRouter();
  const list = useRef<HTMLUListElement>(null);
  const { shown, isKept, release, handlers } = useSteady(lanes);
  const order = useMemo(() => [...shown.overdue, ...shown.waiting], [shown]);
  const [rows, growTo, end] = useGrowingList(order.length, order.indexOf(lastOpened() ?? '') + 1);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set<string>());
  const search = location.search;
  const news = useMemo(() => (isKept ? newIn(lanes, order) : 0), [isKept, lanes, order]);

  useEffect(() => {
    const id = lastOpened();
    if (id !== null) rowOf(list.current, id)?.focus({ preventScroll: false });
  }, []);

  const select = useCallback((id: string) => setSelected((before) => toggled(before, id)), []);
  const chosen = [...selected].flatMap((id) => byId.get(id) ?? []).filter(({ status }) => status === 'pending');
  const shape = chosen[0]?.shape ?? null;
  const isSelectable = (hold: HoldSummary) =>
    hold.status === 'pending' && typeof hold.shape === 'string' && (shape === null || hold.shape === shape);

  function open(id: string, verb?: Verb) {
    startWalk(order, id);
    const state = verb === undefined ? {} : { verb };
    void router.navigate({ to: '/holds/$holdId', params: { holdId: id }, search: true, state });
  }

  function follow(event: MouseEvent) {
    const link = (event.target as Element).closest<HTMLElement>('a[data-hold]');
    const id = link?.dataset['hold'];
    if (id === undefined || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    event.preventDefault();
    open(id);
  }

  const focused = () => (document.activeElement as HTMLElement | null)?.dataset['hold'] ?? null;
  function move(step: 1 | -1) {
    const at = order.indexOf(focused() ?? '');
    const to = at === -1 ? 0 : Math.min(order.length - 1, Math.max(0, at + step));
    // Keys can be faster than the list grows.
    if (to >= rows) flushSync(() => growTo(to));
    rowOf(list.current, order[to] ?? '')?.focus();
  }
  const withFocused = (act: (id: string) => void) => () => {
    const id = focused() ?? order[0];
    if (id !== undefined) act(id);
  };
  const toggleFocused = (id: string) => {
    const hold = byId.get(id);
    if (hold && (isSelectable(hold) || selected.has(id))) select(id);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    x: withFocused(toggleFocused),
    ...Object.fromEntries(Object.entries(VERB_KEYS).map(([key, verb]) => [key, withFocused((id) => open(id, verb))])),
  });

  const heading = (id: string) => {
    if (isEnded) return null;
    if (id === shown.overdue[0]) return <h2 className="lane overdue">Overdue · {shown.overdue.length}</h2>;
    if (id === shown.waiting[0] && shown.overdue.length > 0)
      return <h2 className="lane">In time · {shown.waiting.length}</h2>;
    return null;
  };

  return (
    <>
      {news > 0 && (
        <button type="button" className="button small news" onClick={release}>
          Show {news} new
        </button>
      )}
      {/* A click goes to the row's own link; keys reach that link without this. */}
      {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions */}
      <ul ref={list} className="row-box hold-list" aria-label="Held calls" onClick={follow} {...handlers}>
        {order.slice(0, rows).map((id) => {
          const hold = byId.get(id);
          return (
            hold && (
              <HoldRow
                key={id}
                hold={hold}
                search={search}
                heading={heading(id)}
                isSelected={selected.has(id)}
                isSelectable={selected.has(id) || isSelectable(hold)}
                select={select}
              />
            )
          );
        })}
      </ul>
      <div ref={end} />
      {chosen.length > 0 && <SelectionBar chosen={chosen} clear={() => setSelected(new Set())} />}
    </>
  );
}

/** How many have come since the list was kept as it was. */
function newIn({ overdue, waiting }: Lanes, shown: readonly string[]): number {
  return new Set([...overdue, ...waiting]).difference(new Set(shown)).size;
}

function rowOf(list: HTMLElement | null, id: string): HTMLElement | null {
  return list?.querySelector<HTMLElement>(`a[data-hold="${CSS.escape(id)}"]`) ?? null;
}

function toggled(set: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return set.has(id) ? new Set([...set].filter((each) => each !== id)) : new Set([...set, id]);
}

function Loading() {
  return (
    <div className="row-box hold-list" aria-hidden="true">
      {[64, 48, 57, 40, 52].map((width) => (
        <div key={width} className="hold-row skeleton">
          <span className={`bone w${width}`} />
          <span className="bone thin" />
        </div>
      ))}
    </div>
  );
}

function Empty({ isFiltered }: { readonly isFiltered: boolean }) {
  const navigate = route.useNavigate();
  return isFiltered ? (
    <div className="quiet-state">
      <SearchX size={32} aria-hidden />
      <h2>No held call fits these filters</h2>
      <button type="button" className="button" onClick={() => void navigate({ search: {} })}>
        Clear the filters
      </button>
    </div>
  ) : (
    <div className="quiet-state">
      <Leaf size={32} aria-hidden />
      <h2>Nothing waits for a person</h2>
      <p>Agents are at work, and policy decides alone. A call that needs you appears here by itself.</p>
    </div>
  );
}
