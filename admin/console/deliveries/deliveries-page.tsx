import '../styles/deliveries.css';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { MailCheck, ShieldUser } from 'lucide-react';
import { NOTIFICATION_STATES } from '../../../gateway/domain/notification.ts';
import { Choice } from '../page/chips.tsx';
import { ErrorPage } from '../page/error-page.tsx';
import { useTitle } from '../page/use-title.ts';
import { deliveriesQuery, resend } from '../server/deliveries.ts';
import { sessionQuery } from '../server/session.ts';
import type { DeliveryFilter, DeliveryState } from './delivery-filter.ts';
import { DeliveryRow } from './delivery-row.tsx';
import { STATE_WORDS } from './words.ts';

const route = getRouteApi('/shell/deliveries');

/** Every message to people and programs, and whether it arrived. */
export function DeliveriesPage() {
  const { data: person } = useQuery(sessionQuery);
  useTitle('Deliveries');
  if (person && !person.roles.includes('operator')) return <ForOperators />;
  return <Deliveries />;
}

function Deliveries() {
  const cache = useQueryClient();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, isPending, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useInfiniteQuery(
    deliveriesQuery(filter),
  );
  const sending = useMutation({
    mutationFn: resend,
    onSettled: () => cache.invalidateQueries({ queryKey: ['deliveries'] }),
  });
  if (error && !data) return <ErrorPage error={error} reset={() => void refetch()} />;
  const deliveries = data?.pages.flatMap(({ items }) => items) ?? [];
  const choose = (state: DeliveryState | undefined) =>
    void navigate({ search: state === undefined ? {} : { state }, replace: true });
  return (
    <main id="main" className="deliveries" aria-busy={isPending}>
      <div className="page-head">
        <h1>Deliveries</h1>
        <p>{isPending ? 'Looking…' : countOf(deliveries.length, hasNextPage)}</p>
      </div>
      <div className="filters" role="group" aria-label="Filters">
        <Choice
          name="State"
          none="any"
          value={filter.state}
          choices={NOTIFICATION_STATES}
          words={STATE_WORDS}
          set={(state) => choose(state as DeliveryState | undefined)}
        />
      </div>
      <div role="status">
        {sending.isSuccess && (
          <p className="notice good">It is tried again now, and from the beginning: about a day long.</p>
        )}
      </div>
      {sending.error && (
        <p role="alert" className="notice danger">
          It was not sent again: {sending.error.message}
        </p>
      )}
      {!isPending && deliveries.length === 0 ? (
        <Empty filter={filter} />
      ) : (
        <ul className="row-box" aria-label="Deliveries">
          {deliveries.map((delivery) => (
            <DeliveryRow
              key={delivery.notice_id}
              delivery={delivery}
              isSending={sending.isPending && sending.variables === delivery.notice_id}
              resend={sending.mutate}
            />
          ))}
        </ul>
      )}
      {error && <p className="wrong">{error.message}</p>}
      {hasNextPage && (
        <button type="button" className="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Looking…' : 'Show earlier ones'}
        </button>
      )}
      <p className="hint">
        What was sent is kept for a week, what was not delivered for a month. What a message said is not shown here.
      </p>
    </main>
  );
}

function Empty({ filter: { state } }: { readonly filter: DeliveryFilter }) {
  return (
    <div className="quiet-state">
      <MailCheck size={32} aria-hidden />
      <h2>{state === 'dead' ? 'Everything was delivered' : 'There is nothing here'}</h2>
      <p>
        {state === undefined
          ? 'Messages appear here when a call is held, if “notify” in the configuration names where they go.'
          : 'Take the filter away to see the others.'}
      </p>
    </div>
  );
}

function ForOperators() {
  return (
    <main id="main" className="quiet-state">
      <ShieldUser size={32} aria-hidden />
      <h1>Deliveries are for operators</h1>
      <p>The page of each hold tells whom it was told to. When and how mail reaches you is on your own page, Me.</p>
    </main>
  );
}

function countOf(count: number, areMore: boolean): string {
  if (count === 0) return '';
  return areMore ? `the newest ${count}` : count === 1 ? 'one message' : `${count} messages`;
}
