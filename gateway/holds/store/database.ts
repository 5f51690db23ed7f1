import type { Kysely, Transaction } from 'kysely';
import type { OutboxDelivery } from '../../domain/outbox.ts';
import type { Schema } from './schema.ts';

export type Engine = 'sqlite' | 'postgres';

/**
 * A database of holds, and the few things in which one kind differs from another. Every change of a hold has a number
 * of its own; numbers grow, and some are never used.
 */
export type HoldDatabase = {
  readonly db: Kysely<Schema>;
  readonly engine: Engine;
  /**
   * Runs a transaction while no other program is at the tables' shape. Waits as long as another one is: what it does to
   * each row of a large database takes minutes.
   */
  reshape<Result>(work: (trx: Transaction<Schema>) => Promise<Result>): Promise<Result>;
  /** Takes the next number. The first statement of each transaction that writes: `settledChange` and `nextChangeAlone` wait for it. */
  nextChange(trx: Transaction<Schema>): Promise<number>;
  /** Waits until no other open transaction has a number, takes the next, and blocks all others until the end. */
  nextChangeAlone(trx: Transaction<Schema>): Promise<number>;
  /** A number up to which every change is committed, or never will be. */
  settledChange(): Promise<number>;
  /**
   * This process has committed changes of these holds, or of something else when there are none. Tells all
   * listeners, here and in other processes.
   */
  announce(holdIds: readonly string[]): void;
  /**
   * Calls back after commits of any process, this one included, with the holds that changed; with null when it is not
   * known which, so that everything since the last look has to be looked at. Returns the way to stop.
   */
  onCommit(committed: (holdIds: readonly string[] | null) => void): () => void;
  /** The time in milliseconds since the epoch, the same for everybody who uses the database. */
  time(): Promise<number>;
  /** Who delivers the outbox, where gateways share it; null where one has it for itself. */
  delivery(): Promise<OutboxDelivery | null>;
  /** Whether a transaction failed only because another one was faster: the same once more finds out what became of it. */
  isConflict(error: unknown): boolean;
  close(): Promise<void>;
};
