import type { Measurement } from './metering.ts';

/** How a call or an exchange ended. Of a held call, cost and drift are recorded with its release instead. */
export type Completion = {
  /** What the agent was answered; 0 when it had left. */
  readonly status: number;
  /** A problem's code, when the answer was a problem. */
  readonly code: string | null;
  readonly cause: unknown;
  readonly responseBytes: number;
  /** Milliseconds until the system's response head; null when nothing was sent to it by this exchange. */
  readonly upstreamMs: number | null;
  readonly holdId: string | null;
  /** Milliseconds that the caller waited for people; null when the call was not held. */
  readonly heldMs: number | null;
} & Measurement;

const NOTHING = {
  code: null,
  cause: null,
  responseBytes: 0,
  upstreamMs: null,
  holdId: null,
  heldMs: null,
  cost: null,
  drift: null,
};

/** A completion; what is not given is nothing. A status of 0 says that the agent had left. */
export function complete(status: number, rest: Partial<Completion> = {}): Completion {
  return { status, ...NOTHING, ...rest };
}
