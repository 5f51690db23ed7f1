import type { Transaction } from 'kysely';
import type { Event, LayeredEventType } from '../../domain/event.ts';
import type { NotificationTrigger } from '../../domain/notification.ts';
import type { Documents } from './documents.ts';
import type { Schema } from './schema.ts';

/** An event before the store adds where, when and in which layer it happened. */
export type EventDraft = Omit<Event, 'event_id' | 'at' | 'node' | 'type' | 'layer'> & {
  readonly type: LayeredEventType;
};

/** One transaction, and what is committed or sent with it: events, notifications, and a call to those who watch. */
export type UnitOfWork = {
  readonly trx: Transaction<Schema>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly documents: Documents;
  /** The event is committed with the change, or not at all. */
  record(event: EventDraft): Promise<void>;
  /** The number under which one hold is written; its events follow in the outbox by it. */
  nextChange(): Promise<number>;
  /**
   * Something was read that may have been committed after this transaction began: what is written because of it takes a
   * later number, so that the ledger tells the story in its order.
   */
  hasRead(): void;
  /** The hold has changed: its watchers are told after the commit. */
  changed(holdId: string): void;
  /** People may have to be notified, once this is committed. */
  notify(trigger: NotificationTrigger): void;
};

/** What of it a change needs that is of no hold. */
export type RecordUnit = Pick<UnitOfWork, 'trx' | 'now' | 'documents' | 'record'>;

/**
 * Commits a unit of work. `work` is done again from the beginning when another transaction was in its way, so it does
 * nothing but read and write within its own. With `alone` it is the only one that writes.
 */
export type Transact = <T>(
  now: number,
  work: (unit: UnitOfWork) => Promise<T>,
  options?: { readonly alone?: boolean },
) => Promise<T>;
