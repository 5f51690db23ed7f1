/** Who calls. An agent without a named human owner does not exist, so `owner` is never empty. */
export type Principal = {
  readonly agent: string;
  readonly owner: string;
  readonly roles: readonly string[];
  /** Whom the agent says it works for, outermost first. Empty until an identity scheme vouches for it. */
  readonly onBehalfOf: readonly string[];
};

/** A person who decides on held calls. */
export type Reviewer = {
  readonly id: string;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** In whose place the person may decide now. The store fills it in from the delegations in force. */
  readonly standsInFor?: readonly { readonly id: string; readonly groups: readonly string[] }[];
};

/** Who may take a relay: a person, or another agent. */
export type Taker = Reviewer | { readonly agent: string };

/** The way by which somebody reached the gateway; part of every record of what they did. */
export type Channel = 'api' | 'console' | 'chat' | 'cli' | 'agent';
