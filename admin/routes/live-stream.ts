import { Readable } from 'node:stream';
import type { Hold } from '../../gateway/domain/hold.ts';
import type { Reviewer } from '../../gateway/domain/principal.ts';
import { seenBy } from '../contents-access.ts';
import type { AdminDeps } from '../deps.ts';
import type { WorkNow } from '../work/work-now.ts';
import { holdSummary } from '../holds/hold-view.ts';

/** Milliseconds between keep-alive comments, before proxies and clients take the connection for dead. */
const HEARTBEAT = 15_000;
/** Milliseconds after which a client reconnects. */
const RETRY = 2_000;
/** How far before its last event a client's replay begins: clocks differ, and changes can arrive late. Milliseconds. */
const OVERLAP = 60_000;
/** Most holds to replay. Beyond that the client must read the list. */
const REPLAYED = 500;
/** Most holds waiting for a slow client, which is then disconnected. It reconnects and gets a replay. */
const BEHIND = 1_000;

/** One client's view of what changes, as server-sent events (HTML Living Standard, section 9.2). */
export type LiveStream = {
  readonly events: Readable;
  tell(hold: Hold): void;
  /** Tells what agents do now, unless the client knows. */
  tellWork(work: WorkNow): void;
  /** Ends the stream after at most a second for events already queued. */
  end(): void;
};

type Entry = {
  /** Where a client resumes after this event: not later than any event still to come. Null for what is not resumed. */
  readonly id: number | null;
  readonly event: 'hold' | 'reset' | 'work' | null;
  readonly hold: Hold | null;
  /** What is sent if there is no hold. */
  readonly data?: string;
};

/** Where the work that was not sent yet waits. */
const WORK = 'work';

/**
 * If a hold, or the work, changes faster than the client reads, the client gets only the newest state. So the stream
 * keeps at most `BEHIND` holds in memory. Watch the store before calling this, so that no change is missed in between.
 * @param since the last event id that the client received; null for a new client
 */
export function createLiveStream(
  { holds, demands, clock }: Pick<AdminDeps, 'holds' | 'demands' | 'clock'>,
  person: Reviewer,
  since: number | null,
): LiveStream {
  const begun = clock();
  let waiting = new Map<string, Entry>();
  let replaying = since !== null;
  let wanted = false;
  let over = false;
  let workTold = '';

  const events = new Readable({
    read() {
      wanted = true;
      pump();
    },
    destroy(error, done) {
      clearInterval(heartbeat);
      waiting.clear();
      done(error);
    },
  });
  // A failed replay closes the connection, perhaps before the client listens. It reconnects.
  events.on('error', () => {});
  events.push(`retry: ${RETRY}\n\n`);

  const heartbeat = setInterval(() => {
    // A client that does not read needs no keep-alive.
    if (wanted && !over) wanted = events.push(': heartbeat\n\n');
  }, HEARTBEAT).unref();

  function pump(): void {
    if (replaying || over) return;
    for (const [key, entry] of waiting) {
      if (!wanted) return;
      waiting.delete(key);
      wanted = events.push(textOf(entry));
    }
  }

  function textOf({ id, event, hold, data = '{}' }: Entry): string {
    const said = hold ? JSON.stringify(holdSummary(seenBy(person, hold), demands(hold), clock())) : data;
    return `${id === null ? '' : `id: ${id}\n`}${event === null ? '' : `event: ${event}\ndata: ${said}\n`}\n`;
  }

  /** A hold keeps the queue position and the event id of its first change that was not sent. */
  function enqueue(hold: Hold, id: number): void {
    const already = waiting.get(hold.id);
    if (already?.hold && already.hold.version >= hold.version) return;
    waiting.set(hold.id, { id: already?.id ?? id, event: 'hold', hold });
  }

  async function replay(last: number): Promise<void> {
    const missed = await holds.changedSince(last - OVERLAP, REPLAYED + 1);
    const told =
      missed.length > REPLAYED
        ? [['', { id: begun, event: 'reset', hold: null }] as const]
        : [
            ...missed.map((hold) => [hold.id, { id: last, event: 'hold', hold }] as const),
            ['', { id: begun, event: null, hold: null }] as const,
          ];
    const live = waiting;
    waiting = new Map<string, Entry>(told);
    for (const { hold, id } of live.values()) if (hold && id !== null) enqueue(hold, id);
    replaying = false;
    pump();
  }

  if (since === null) waiting.set('', { id: begun, event: null, hold: null });
  else replay(since).catch((error: unknown) => events.destroy(error as Error));

  return {
    events,
    tell(hold) {
      enqueue(hold, clock());
      if (waiting.size > BEHIND) events.destroy();
      else pump();
    },
    tellWork(work) {
      const { at: _, ...state } = work;
      const text = JSON.stringify(state);
      if (text === workTold || replaying) return;
      workTold = text;
      waiting.set(WORK, { id: null, event: 'work', hold: null, data: JSON.stringify(work) });
      pump();
    },
    end() {
      over = true;
      events.push(null);
      setTimeout(() => events.destroy(), 1_000).unref();
    },
  };
}
