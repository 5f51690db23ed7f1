import type { Channel } from './principal.ts';

/** How long a session lasts at most, in milliseconds. Using it does not make it longer. */
export const SESSION_LIFE = 12 * 3_600_000;

/** How long a one-time link can be redeemed, in milliseconds. */
export const SIGN_IN_LINK_LIFE = 5 * 60_000;

/** A reviewer who is signed in to the console. Times are milliseconds since the epoch. */
export type Session = {
  readonly id: string;
  readonly reviewer: string;
  /** Lowercase hex SHA-256 of the token under which it was opened. The session lasts no longer than that token is configured. */
  readonly tokenHash: string;
  readonly createdAt: number;
  /** To the minute. */
  readonly lastSeenAt: number;
  readonly expiresAt: number;
  /** What the browser said of itself: untrusted. */
  readonly userAgent: string;
  /** The address from which the reviewer signed in: behind a proxy, that of the proxy. */
  readonly address: string;
};

export type SessionDraft = Pick<Session, 'reviewer' | 'tokenHash' | 'userAgent' | 'address'> & {
  /** The id of the one-time link; null if the reviewer sent a token. */
  readonly link: string | null;
};

export type SessionStore = {
  /**
   * Opens a session. The secret is for the browser alone: the store keeps its hash. Null if the link was used before, on
   * whichever gateway: of two who use it at once, one gets a session.
   */
  open(draft: SessionDraft): Promise<{ readonly session: Session; readonly secret: string } | null>;
  /** The session of a secret, which counts as seen. Null if there is none, or it has ended. */
  find(secret: string): Promise<Session | null>;
  /** Sessions that have not ended, newest first. @param reviewer only those of this person */
  list(reviewer?: string): Promise<Session[]>;
  /** False if there is none that has not ended. */
  end(id: string, by: string, channel: Channel): Promise<boolean>;
  /** Ends the sessions of a reviewer, except those under these tokens. Says how many it ended. */
  revoke(reviewer: string, kept: readonly string[], reason: string): Promise<number>;
};

/** One-time links for signing in. Their secret is sealed: only a gateway with the key of the store can make or read one. */
export type SignInLinks = {
  /** The secret of a new link, for `SIGN_IN_LINK_LIFE`. */
  issue(reviewer: string): string;
  /** Null if the secret was changed, was made with another key, or is too old. Whether it was used is for the store to say. */
  open(secret: string): { readonly id: string; readonly reviewer: string } | null;
};
