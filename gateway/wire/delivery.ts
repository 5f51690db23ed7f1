import type { Problem } from '../domain/problem.ts';

/** One request on its way to a system: everything that will be on the wire but Host and Content-Length. */
export type Outgoing = {
  readonly method: string;
  readonly target: string;
  readonly headers: string[];
  readonly body: Buffer;
};

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

/** How sending ended. */
export type Delivery = {
  /** The upstream's status; 0 when there was none. */
  readonly status: number;
  readonly bytes: number;
  /** Milliseconds from handing over to the response head, or to the failure. */
  readonly upstreamMs: number;
  /** False only when provably no byte of the request was written. */
  readonly sent: boolean;
  /** Null when the answer arrived whole. */
  readonly problem: Problem | null;
};
