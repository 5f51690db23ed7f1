import type { Transaction } from 'kysely';
import type { Event } from '../../domain/event.ts';
import type { Schema } from './schema.ts';

/** An event before the store says where and when it happened. */
export type Happening = Omit<Event, 'event_id' | 'at' | 'node'>;

/** A transaction together with its way into the ledger: what is recorded is committed with the change, or not at all. */
export type Recording = {
  readonly trx: Transaction<Schema>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  record(happening: Happening): Promise<void>;
};
