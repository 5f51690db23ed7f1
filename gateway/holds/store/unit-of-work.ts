import { setImmediate as breathe } from 'node:timers/promises';
import { EVENT_VERSION, layerOf, type Event } from '../../domain/event.ts';
import { createId } from '../../domain/id.ts';
import type { NoticeDraft, Occasion } from '../../domain/notification.ts';
import type { HoldDatabase } from './database.ts';
import { insertNotices } from './notifications.ts';
import type { Recording } from './recording.ts';

/** Room for the events of one change, so that places in the outbox follow from change numbers. */
const EVENTS_PER_CHANGE = 16;

/** Rows in one statement; databases limit its parameters, and keep each length of it prepared. */
const ROWS_AT_ONCE = 100;

/** How often a transaction is begun in which others were always faster. */
const MOST_ATTEMPTS = 10;

/** One transaction, and what goes out with it: events into the ledger, notices to people, a call to those who watch. */
export type Writing = Recording & {
  /** The number under which one hold is written; its events follow in the outbox by it. */
  nextChange(): Promise<number>;
  /**
   * Something was read that may have been committed after this transaction began: what is written because of it takes a
   * later number, so that the ledger tells the story in its order.
   */
  hasRead(): void;
  /** The hold has changed: whoever watches it hears of it after the commit. */
  changed(holdId: string): void;
  /** People may have to be told, once this is committed. */
  tell(occasion: Occasion): void;
};

export type Write = <T>(
  now: number,
  work: (writing: Writing) => Promise<T>,
  options?: { readonly alone?: boolean },
) => Promise<T>;

/**
 * Makes transactions. `work` is done again from the beginning when another transaction was in its way, so it does
 * nothing but read and write within its own. With `alone` it is the only one that writes.
 * @param options.node the name of this machine in events
 */
export function createWrite(options: {
  readonly database: HoldDatabase;
  readonly node: string;
  readonly compose: (occasion: Occasion) => readonly NoticeDraft[];
}): Write {
  const { database, node, compose } = options;

  async function attempt<T>(now: number, work: (writing: Writing) => Promise<T>, alone: boolean): Promise<T> {
    const changed = new Set<string>();
    const result = await database.db.transaction().execute(async (trx) => {
      // Before anything else: whoever writes alone waits for this number's transaction, or this one for theirs.
      let free: number | null = await (alone ? database.nextChangeAlone(trx) : database.nextChange(trx));
      let taken: number | null = null;
      const events: Event[] = [];
      const notices: NoticeDraft[] = [];
      const result = await work({
        trx,
        now,
        async record(happening) {
          events.push({ event_id: '', at: now, node, layer: layerOf(happening.type), ...happening });
        },
        async nextChange() {
          taken = free ?? (await database.nextChange(trx));
          free = null;
          return taken;
        },
        hasRead: () => void (free = null),
        changed: (holdId) => void changed.add(holdId),
        tell: (occasion) => void notices.push(...compose(occasion)),
      });

      // What changed no hold is numbered at its end: only then it is known what came before.
      let change = taken ?? 0;
      const rows: { seq: number; event: string }[] = [];
      for (const [index, event] of events.entries()) {
        const place = index % EVENTS_PER_CHANGE;
        if (place === 0 && (index > 0 || taken === null)) change = await database.nextChange(trx);
        const seq = change * EVENTS_PER_CHANGE + place;
        rows.push({ seq, event: JSON.stringify({ ...event, event_id: eventId(event, seq), version: EVENT_VERSION }) });
      }
      for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
        await trx
          .insertInto('outbox')
          .values(rows.slice(start, start + ROWS_AT_ONCE))
          .execute();
      }
      for (let start = 0; start < notices.length; start += ROWS_AT_ONCE) {
        await insertNotices({ trx, now }, notices.slice(start, start + ROWS_AT_ONCE));
      }
      return result;
    });
    if (changed.size > 0) database.announce([...changed]);
    return result;
  }

  return async (now, work, { alone = false } = {}) => {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt(now, work, alone);
      } catch (error) {
        if (attempts === MOST_ATTEMPTS || !database.isConflict(error)) throw error;
        await breathe();
      }
    }
  };
}

/** Named after its hold and its place, which no other event has: that compresses where a random name would not. */
function eventId({ hold_id }: Event, seq: number): string {
  return hold_id === undefined ? createId('evt') : `evt_${hold_id.slice('hold_'.length)}s${seq.toString(36)}`;
}

/** The place in the outbox up to which every event is there, when every change up to `settled` is. */
export function lastPlace(settled: number): number {
  return settled * EVENTS_PER_CHANGE + EVENTS_PER_CHANGE - 1;
}
