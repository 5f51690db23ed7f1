import type { Checkpoint } from '../ledger/ledger.ts';
import type { ShipStates } from './ship-state.ts';

/** A place in a source: opaque to the shipper, and never reused for another place. The empty string is the beginning. */
export type Position = string;

export type Batch = {
  /** The chain that the rows belong to; see `ledger.ts`. A batch never holds rows of two. */
  readonly chain: string;
  /** Number of the first row; the others follow without a gap. Where rows are missing, the next batch starts higher. */
  readonly first: number;
  /** Canonical lines (`eventLine`) without their newlines, in order. May be empty when there are checkpoints. */
  readonly rows: readonly Buffer[];
  /** The position after the last row and the last checkpoint. */
  readonly to: Position;
  /** The checkpoints between the position before and `to`. */
  readonly checkpoints: readonly Checkpoint[];
};

/** The state of a source that several gateways deliver, one at a time. */
export type SharedStates = ShipStates & {
  /** Whether this process delivers now. Checked before each batch; if it was not, the state is read again. */
  isMine(): Promise<boolean>;
};

/** Keeps events until ClickHouse has them. */
export type Source = {
  /** Names the source in tokens, files and reports. Letters, digits, dashes and underscores. */
  readonly name: string;
  /** Set for a source that several gateways share: their common state. */
  readonly shared?: SharedStates;
  /**
   * Reads a batch after `position`, or null when there is nothing (yet). With `until`, an earlier batch's `to`, it gives
   * exactly that batch again, byte for byte. Only if its rows were damaged since, it ends sooner: `to` is then not `until`,
   * and the rows after the damage follow that `to`.
   */
  next(position: Position, until?: Position): Promise<Batch | null>;
  /** Everything up to `position` has been delivered and may be deleted. */
  forget(position: Position): Promise<void>;
  /** What is not delivered after `position`; null where it is not known. */
  behind(position: Position): Promise<{ readonly bytes: number | null; readonly rows: number | null }>;
};

/**
 * Rows of a full batch. Each batch is a part in each table, and merges of small parts cost the engine more than the
 * inserts do; larger batches cost it memory.
 */
export const BATCH_ROWS = 30_000;
/** Bytes of the lines of a full batch: the rows above with 800 B each. */
export const BATCH_BYTES = 24 * 1024 * 1024;
