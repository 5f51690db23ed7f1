/**
 * What agents hand to people or to each other, in the form that frameworks have in common. Kept as it was sent and given
 * back verbatim; every word of it is the sender's.
 */
export type Handoff = {
  readonly task?: string;
  readonly client?: string;
  readonly summary?: string;
  readonly draft_response?: unknown;
  readonly confidence?: number;
  readonly flags?: readonly string[];
  readonly recommended_action?: string;
  /** What may be answered. `escalate_to_<group>` passes the matter on to that group. */
  readonly options?: readonly unknown[];
  readonly [member: string]: unknown;
};

/** The recipient of a handoff. */
export type Recipient = { readonly group: string } | { readonly person: string } | { readonly agent: string };

/** What is known of an artifact without opening it. */
export type ArtifactInfo = {
  readonly name: string;
  /** Media type, as the sender says. */
  readonly type: string;
  readonly bytes: number;
  /** Lowercase hex, of the content. */
  readonly sha256: string;
};

export type Artifact = ArtifactInfo & { readonly content: Buffer };

/** What comes back to the agent that asked. */
export type HandoffAnswer = {
  /** One of the options offered, as text; null when the answer is another. */
  readonly option: string | null;
  readonly data: unknown;
};
