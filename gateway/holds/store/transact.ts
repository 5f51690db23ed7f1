import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { EVENT_VERSION, layerOf, type Event } from '../../domain/event.ts';
import { createId } from '../../domain/id.ts';
import type { NotificationDraft, NotificationTrigger } from '../../domain/notification.ts';
import type { HoldDatabase } from './database.ts';
import type { Documents } from './documents.ts';
import { insertNotifications } from './notifications.ts';
import type { Transact, UnitOfWork } from './unit-of-work.ts';

/** Room for the events of one change, so that places in the outbox follow from change numbers. */
const EVENTS_PER_CHANGE = 16;

/** Rows in one statement; databases limit its parameters, and keep each length of it prepared. */
const ROWS_AT_ONCE = 100;

/** How often a transaction is begun in which others were always faster. */
const MOST_ATTEMPTS = 10;

/** @param options.node the name of this machine in events */
export function createTransact(options: {
  readonly database: HoldDatabase;
  readonly documents: Documents;
  readonly node: string;
  readonly compose: (trigger: NotificationTrigger) => readonly NotificationDraft[];
}): Transact {
  const { database, documents, node, compose } = options;

  async function attempt<T>(now: number, work: (unit: UnitOfWork) => Promise<T>, alone: boolean): Promise<T> {
    const changed = new Set<string>();
    const result = await database.db.transaction().execute(async (trx) => {
      // Before anything else: a transaction that writes alone waits for this one, or this one for it.
      let free: number | null = await (alone ? database.nextChangeAlone(trx) : database.nextChange(trx));
      let taken: number | null = null;
      const events: Event[] = [];
      const notifications: NotificationDraft[] = [];
      const result = await work({
        trx,
        now,
        documents,
        async record(event) {
          events.push({ event_id: '', at: now, node, layer: layerOf(event.type), ...event });
        },
        async nextChange() {
          taken = free ?? (await database.nextChange(trx));
          free = null;
          return taken;
        },
        hasRead: () => void (free = null),
        changed: (holdId) => void changed.add(holdId),
        notify: (trigger) => void notifications.push(...compose(trigger)),
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
      for (let start = 0; start < notifications.length; start += ROWS_AT_ONCE) {
        await insertNotifications({ trx, now }, notifications.slice(start, start + ROWS_AT_ONCE));
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
        await yieldToEventLoop();
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
