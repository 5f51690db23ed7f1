import type { Transaction } from 'kysely';
import type { Event, LayeredEventType } from '../../domain/event.ts';
import type { Schema } from './schema.ts';

/** An event before the store adds where, when and in which layer it happened. */
export type Happening = Omit<Event, 'event_id' | 'at' | 'node' | 'type' | 'layer'> & {
  readonly type: LayeredEventType;
};

/** A transaction together with its way into the ledger: what is recorded is committed with the change, or not at all. */
export type Recording = {
  readonly trx: Transaction<Schema>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  record(happening: Happening): Promise<void>;
};
