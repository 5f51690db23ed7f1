/** Where an upstream's answer goes: to a waiting agent, into the store, or both. */
export type UpstreamSink = {
  /** Called once, with the final status (never a 1xx) and end-to-end headers. */
  head(status: number, headers: string[]): void;
  /** False asks for a pause. */
  data(chunk: Buffer): boolean;
  end(trailers: string[]): void;
  /** The upstream broke off after `head`: the taker must not mistake what it has for the whole. */
  broken(): void;
  /** Asked after each pause that was asked for: calls back once when it may end. */
  onDrain(resume: () => void): void;
  /** Called back when nobody takes the answer any more. */
  onGone(abort: () => void): void;
};
