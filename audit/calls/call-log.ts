import type { ClickHouseClient } from '@clickhouse/client';
import type { CallLog, CallPage, CallSource, CallStory, CallSummary } from '../../gateway/domain/call-log.ts';
import type { Clock } from '../../gateway/domain/clock.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { isoOrNull } from '../../gateway/domain/time.ts';
import { firstCallIdAt } from './call-id.ts';
import { callsOf, summaryOf } from './from-events.ts';
import { countHistory, HISTORY_DAYS } from './history.ts';
import type { JournalTail } from './journal-tail.ts';
import { searchCalls } from './search.ts';
import { readStory } from './story.ts';

/** Longest that ClickHouse may take before one looks into the journal; milliseconds. */
const PATIENCE = 5_000;
const HISTORY_CALLS = 5;

/** Where what is not delivered yet can be read. */
export type Undelivered = {
  readonly journals: JournalTail;
  /** Steps of holds that wait in the store. */
  outbox(): Promise<readonly Event[]>;
};

/**
 * What the record tells of calls: from `holdpoint.calls` and `holdpoint.events`, as fresh as the last batch that was
 * shipped; and from the journals while ClickHouse does not answer.
 */
export function createCallLog(
  client: ClickHouseClient,
  { undelivered, clock = Date.now }: { readonly undelivered?: Undelivered; readonly clock?: Clock } = {},
): CallLog {
  /** Asks ClickHouse, and where that fails the journals. @throws what ClickHouse said, when they cannot answer either */
  async function ask<T>(
    record: (signal: AbortSignal) => Promise<T>,
    journal: (events: readonly Event[]) => T | null,
    about = '',
  ): Promise<T> {
    try {
      return await record(AbortSignal.timeout(PATIENCE));
    } catch (error) {
      const answer = undelivered ? journal(await waiting(undelivered, about)) : null;
      if (answer === null) throw error;
      return answer;
    }
  }

  return {
    search(filter, { cursor, limit }) {
      const page = (calls: readonly CallSummary[], source: CallSource, since: number | null = null): CallPage => {
        const items = calls.slice(0, limit);
        // What was not looked through is the next page, empty though this one may be.
        const next =
          calls.length > limit ? (items.at(-1)?.call_id ?? null) : since === null ? null : firstCallIdAt(since);
        return { items, next, searched_since: isoOrNull(since), source };
      };
      const before = ({ call_id }: CallSummary) => cursor === undefined || call_id < cursor;
      return ask<CallPage>(
        async (signal) => {
          const options = { cursor, limit: limit + 1, now: clock(), signal };
          const { calls, since } = await searchCalls(client, filter, options);
          return page(calls, 'record', since);
        },
        (events) => page(callsOf(events, filter).filter(before), 'journal'),
      );
    },
    story(callId) {
      const told = ({ events, places }: Pick<CallStory, 'events' | 'places'>, source: CallSource): CallStory | null =>
        events.length === 0 ? null : { call: summaryOf(events), events, places, source };
      return ask<CallStory | null>(
        async (signal) => told(await readStory(client, callId, signal), 'record'),
        // That it is not found here says nothing: it may be in the record all the same.
        (waiting) => {
          const events = waiting.filter(({ call_id }) => call_id === callId).toSorted((a, b) => a.at - b.at);
          return told({ events, places: [] }, 'journal');
        },
        callId,
      );
    },
    async history({ agent, system, operation, except }, signal) {
      const now = clock();
      const since = now - HISTORY_DAYS * 86_400_000;
      const [recent, counted] = await Promise.all([
        searchCalls(client, { agent, from: since }, { limit: HISTORY_CALLS, except, now, signal }),
        countHistory(client, { agent, system, operation, except }, since, signal),
      ]);
      return { ...counted, recent_calls: recent.calls };
    },
  };
}

/** A store that is away has nothing to tell; the journals have. */
async function waiting({ journals, outbox }: Undelivered, about: string): Promise<readonly Event[]> {
  const [own, holds] = await Promise.all([journals.read(about), outbox().catch(() => [])]);
  return [...own, ...holds];
}
