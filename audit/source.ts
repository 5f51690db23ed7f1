import type { ShipStates } from './ship-state.ts';

/** Where in a source one is: opaque to the shipper, never reused for another place. The empty string is the beginning. */
export type Position = string;

export type Batch = {
  /** Events as JSON objects, one a row, in order. */
  readonly rows: readonly Buffer[];
  /** The position behind the last row. */
  readonly to: Position;
};

/** The books of a source that several gateways deliver, one at a time. */
export type SharedStates = ShipStates & {
  /** Whether this process delivers now. Asked before each batch; the books are read again whenever it was not. */
  isMine(): Promise<boolean>;
};

/** Where events wait until ClickHouse has them. */
export type Source = {
  /** Names the source in tokens, files and reports. Letters, digits, dashes and underscores. */
  readonly name: string;
  /** Set for a source that several gateways share: where they keep together what the shipper must know after a crash. */
  readonly shared?: SharedStates;
  /**
   * The rows that follow `position`, as many as make a good batch, or null when there are none (yet). With `until`, an
   * earlier batch's `to`, exactly the rows of that batch again, byte for byte.
   */
  next(position: Position, until?: Position): Promise<Batch | null>;
  /** Everything up to `position` has been delivered and may be deleted. */
  forget(position: Position): Promise<void>;
  /** How much waits behind `position`; null where it is not known. */
  behind(position: Position): Promise<{ readonly bytes: number | null; readonly rows: number | null }>;
};

/** Rows that make a good batch: larger ones cost the embedded engine memory, smaller ones cost it merges. */
export const BATCH_ROWS = 10_000;
