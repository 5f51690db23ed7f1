import type { Event } from './event.ts';

/** Events committed with the changes that they tell of, until they are shipped. */
export type Outbox = {
  /** In order; none is missing up to the last. */
  read(afterSeq: number, limit: number): Promise<{ seq: number; event: Event }[]>;
  forget(throughSeq: number): Promise<void>;
  /** Null where one gateway has the outbox for itself, and keeps its own books of what it delivered. */
  readonly delivery: OutboxDelivery | null;
};

/** What gateways that share an outbox have to agree on, so that each event is delivered once. */
export type OutboxDelivery = {
  /** Names the outbox in deliveries: the same for ever, and for every gateway. */
  readonly home: string;
  /** Whether this process delivers now. One does, until it closes or loses its connection to the store. */
  lead(): Promise<boolean>;
  /** What was saved last; version 0 and null before the first time. */
  load(): Promise<{ readonly version: number; readonly state: string | null }>;
  /** Compare-and-swap: false, and nothing is saved, when another process has saved since `version` was loaded. */
  save(version: number, state: string): Promise<boolean>;
};
