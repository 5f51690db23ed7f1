/** Where an upstream's answer goes: to a waiting agent, into the store, or both. */
export type UpstreamSink = {
  /** Called once, with the final status (never a 1xx) and end-to-end headers. */
  head(status: number, headers: string[]): void;
  /** False asks for a pause. */
  data(chunk: Buffer): boolean;
  end(trailers: string[]): void;
  /** The upstream broke off after `head`, so the answer is incomplete and must not pass for a whole one. */
  broken(): void;
  /** Called after each requested pause; calls `resume` once, when the pause may end. */
  onDrain(resume: () => void): void;
  /** Calls `abort` when the answer is no longer wanted. */
  onGone(abort: () => void): void;
};
