import type { Requirement } from './decision.ts';
import type { OpenPlace } from './open-place.ts';
import type { Channel, Reviewer } from './principal.ts';

/** How far an approval reaches beyond the call that it was given for. */
export type GrantTerms = {
  /** How many further calls; from 1 to `MOST_USES`. */
  readonly uses: number;
  /** Milliseconds since the epoch; at most `LONGEST_GRANT` ahead. */
  readonly until: number;
  /**
   * Places that may differ from the approved call's, each one that the rule lets stay open; one path at most. A number
   * in the body may only be lower. Everything else about the call is pinned, and so is a member that is an object or an
   * array.
   */
  readonly open: readonly OpenPlace[];
};

export const MOST_USES = 1_000;
export const LONGEST_GRANT = 30 * 24 * 3_600_000;

/** An approval that covers further calls of one shape by one agent for a while. Never wider than the call it came from. */
export type Grant = {
  readonly id: string;
  readonly agent: string;
  readonly system: string;
  /** With `{id}` in the place of open segments that its name has. */
  readonly operation: string;
  /** SHA-256 (hex) over everything that is pinned. */
  readonly shape: string;
  /** Those of the terms' places that the approved call has and that can be left open. */
  readonly open: readonly OpenPlace[];
  /** The most that an open number may be, by pointer: decimal digits as they were sent, since a JavaScript number could round up. */
  readonly ceilings: Readonly<Record<string, string>>;
  /** The rules that it answers; a call held for another rule too is not covered. */
  readonly rules: readonly string[];
  /** What its approval met; a call that asks for anything else is not covered. */
  readonly requirements: readonly Requirement[];
  readonly uses: number;
  readonly used: number;
  readonly until: number;
  readonly createdAt: number;
  /** Who approved it. */
  readonly by: readonly string[];
  /** The hold that it was given on. */
  readonly holdId: string;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
};

export type GrantStore = {
  /** Newest first; `next` is the cursor of the page after this one. */
  list(filter: {
    readonly agent?: string;
    readonly active: boolean;
    readonly cursor?: string;
    readonly limit: number;
  }): Promise<{ items: Grant[]; next: string | null }>;
  find(id: string): Promise<Grant | null>;
  /** Null when there is no such grant. Revoking twice changes nothing. */
  revoke(id: string, by: Reviewer, channel: Channel): Promise<Grant | null>;
};
