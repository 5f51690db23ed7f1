import type { Checkpoint } from '../ledger/ledger.ts';
import type { ShipStates } from './ship-state.ts';

/** Where in a source one is: opaque to the shipper, never reused for another place. The empty string is the beginning. */
export type Position = string;

export type Batch = {
  /** The chain that the rows belong to; see `ledger.ts`. A batch never holds rows of two. */
  readonly chain: string;
  /** Number of the first row; the others follow without a gap. Where rows are missing, the batch behind starts higher. */
  readonly first: number;
  /** Canonical lines (`eventLine`) without their newlines, in order. May be empty when there are checkpoints. */
  readonly rows: readonly Buffer[];
  /** The position behind the last row and the last checkpoint. */
  readonly to: Position;
  /** Those between the position before and `to`. */
  readonly checkpoints: readonly Checkpoint[];
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
   * What follows `position`, as much as makes a good batch, or null when there is nothing (yet). With `until`, an
   * earlier batch's `to`, exactly that batch again, byte for byte. Only where its rows were damaged since does it end
   * sooner: `to` is then not `until`, and what can still be read behind the damage follows that `to`.
   */
  next(position: Position, until?: Position): Promise<Batch | null>;
  /** Everything up to `position` has been delivered and may be deleted. */
  forget(position: Position): Promise<void>;
  /** How much waits behind `position`; null where it is not known. */
  behind(position: Position): Promise<{ readonly bytes: number | null; readonly rows: number | null }>;
};

/**
 * Rows of a full batch. Each batch is a part in each table, and merges of small parts cost the engine more than the
 * inserts do; larger batches cost it memory.
 */
export const BATCH_ROWS = 30_000;
/** Bytes of the lines of a full batch: the rows above with 800 B each. */
export const BATCH_BYTES = 24 * 1024 * 1024;
