/** What is wrong with a chain, at one place. */
export type Break = {
  readonly chain: string;
  readonly kind: BreakKind;
  /** Numbers of the first event concerned, and of the last. */
  readonly first: number;
  readonly last: number;
  /** The event, where it is one and can be named. */
  readonly event: string | null;
  /** In a sentence, for auditors. */
  readonly detail: string;
};

/** What can be wrong, and what it means. */
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

/** What was found of one chain. */
export type ChainReport = {
  readonly chain: string;
  /** The gateways that wrote it. */
  readonly nodes: readonly string[];
  /** Events under checkpoints that were found as they were written. */
  readonly verified: number;
  readonly checkpoints: number;
  /** Events behind the last checkpoint: they have numbers and hashes, and no signature yet. */
  readonly unsigned: number;
  /** Events that retention has deleted. */
  readonly expired: number;
  /** Milliseconds since the epoch of the last checkpoint; null when there is none. */
  readonly signedAt: number | null;
  /** In order of the chain: the first is where trust ends. */
  readonly breaks: readonly Break[];
};

/** What was found in one journal. */
export type JournalCheck = {
  readonly name: string;
  /** Null when there is nothing in it. */
  readonly chain: string | null;
  /** Events under checkpoints that were found as they were written. */
  readonly verified: number;
  /** Events behind the last checkpoint. */
  readonly unsigned: number;
  readonly breaks: readonly Break[];
};
