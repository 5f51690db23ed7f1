/** One place where a chain is broken. */
export type Break = {
  readonly chain: string;
  readonly kind: BreakKind;
  /** Numbers of the first and the last affected event. */
  readonly first: number;
  readonly last: number;
  /** The event, if it is a single one and is known. */
  readonly event: string | null;
  /** One sentence for auditors. */
  readonly detail: string;
};

/** The kinds of breaks, and their meanings. */
export const BREAK_KINDS = {
  changed: 'a row is not what was written',
  missing: 'rows are not there any more',
  repeated: 'a number stands at more than one row',
  moved: "rows stand at one another's numbers",
  rewritten: 'rows were replaced, and their own hashes with them',
  forged: 'a checkpoint was not signed with a known key',
  unlinked: 'a checkpoint does not follow from the one before it',
  truncated: 'the end of a chain is not there any more',
  foreign: 'rows are in no chain that has a checkpoint',
} as const satisfies Readonly<Record<string, string>>;

export type BreakKind = keyof typeof BREAK_KINDS;

/** The verification of one chain. */
export type ChainReport = {
  readonly chain: string;
  /** The gateways that wrote the chain. */
  readonly nodes: readonly string[];
  /** Events under checkpoints that were found as they were written. */
  readonly verified: number;
  readonly checkpoints: number;
  /** Events after the last checkpoint: they have numbers and hashes, but no signature yet. */
  readonly unsigned: number;
  /** Events that retention has deleted. */
  readonly expired: number;
  /** The time of the last checkpoint, in milliseconds since the epoch; null if there is none. */
  readonly signedAt: number | null;
  /** In order of the chain. Events after the first break cannot be trusted. */
  readonly breaks: readonly Break[];
};

/** The verification of one journal. */
export type JournalCheck = {
  readonly name: string;
  /** Null if the journal is empty. */
  readonly chain: string | null;
  /** Events under checkpoints that were found as they were written. */
  readonly verified: number;
  /** Events after the last checkpoint. */
  readonly unsigned: number;
  readonly breaks: readonly Break[];
};
