/** What the gateway adds to each call so that the system accepts it. Agents never see it. */
export type Credential = {
  /** Names in lower case. */
  readonly headers: readonly Placed[];
  readonly query: readonly Placed[];
  /** Put before the path of each call, for systems such as Telegram. */
  readonly path?: string;
};

export type Placed = { readonly name: string; readonly value: Secret };

/** A value, where it is, or what Basic authentication (RFC 7617) makes of two. */
export type Secret = PlainSecret | { readonly user: PlainSecret; readonly password: PlainSecret };

export type PlainSecret = string | SecretFile;

/** A file that has the value, such as one that another program renews. */
export type SecretFile = {
  /** Absolute. */
  readonly file: string;
  /** What stands before the value, such as `Bearer `. */
  readonly prefix: string;
};
