/** Receives an upstream's answer: for a waiting agent, for the store, or for both. */
export type UpstreamSink = {
  /** Called once, with the final status (never 1xx) and the end-to-end headers. */
  head(status: number, headers: string[]): void;
  /** False asks for a pause. */
  data(chunk: Buffer): boolean;
  end(trailers: string[]): void;
  /** The upstream failed after `head`. The answer is incomplete and must not pass for a whole one. */
  broken(): void;
  /** Called after `data` asked for a pause. Calls `resume` once, when the pause may end. */
  onDrain(resume: () => void): void;
  /** Calls `abort` if the agent leaves before it has the whole answer. */
  onGone(abort: () => void): void;
};
