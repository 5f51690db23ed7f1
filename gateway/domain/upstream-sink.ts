/**
 * What the gateway changed in an answer, or let pass with a warning. `redirect-elsewhere`: a redirect to a host that is
 * none of the system's. `links-kept`: a body with declared links was too large to read, or in an unknown coding.
 * `credential-masked`: it had the system's credential. `sent-again`: a request with a safe method went out once more,
 * because the system closed a kept connection before it answered.
 */
export type AnswerNote = 'redirect-elsewhere' | 'links-kept' | 'credential-masked' | 'sent-again';

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
  /** Told what the gateway did with the answer, before its end. */
  note?(code: AnswerNote): void;
};
