/** The caller. An agent without a named human owner does not exist, so `owner` is never empty. */
export type Principal = {
  readonly agent: string;
  readonly owner: string;
  readonly roles: readonly string[];
  /** The delegation chain, outermost first. Empty unless an identity scheme vouches for it. */
  readonly onBehalfOf: readonly string[];
  /** How the caller proved who it is; absent: by the agent's token. */
  readonly authority?: 'link-pass';
};

/** A person who decides on held calls. */
export type Reviewer = {
  readonly id: string;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** The reviewers that this one stands in for now. The store reads them from the delegations in force. */
  readonly standsInFor?: readonly { readonly id: string; readonly groups: readonly string[] }[];
};

/** A taker of a relay: a person or another agent. */
export type Taker = Reviewer | { readonly agent: string };

/** How an actor reached the gateway. Every record of an action names it. */
export type Channel = 'api' | 'console' | 'chat' | 'cli' | 'agent';
