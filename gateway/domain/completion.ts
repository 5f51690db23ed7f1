import type { Measurement } from './metering.ts';
import type { AnswerNote } from './upstream-sink.ts';

/** How a call or an exchange ended. The cost and drift of a held call are recorded with its release instead. */
export type Completion = {
  /** The status of the answer; 0 if the agent had left. */
  readonly status: number;
  /** The problem's code; null if the answer was not a problem. */
  readonly code: string | null;
  readonly cause: unknown;
  readonly responseBytes: number;
  /** Milliseconds until the upstream's response head; null if this exchange sent nothing upstream. */
  readonly upstreamMs: number | null;
  readonly holdId: string | null;
  /** Milliseconds that the caller waited for reviewers; null if the call was not held. */
  readonly heldMs: number | null;
  /** What the gateway did with the system's answer. */
  readonly notes: readonly AnswerNote[];
} & Measurement;

const NOTHING: Omit<Completion, 'status'> = {
  code: null,
  cause: null,
  responseBytes: 0,
  upstreamMs: null,
  holdId: null,
  heldMs: null,
  notes: [],
  cost: null,
  drift: null,
};

/** A completion; members that are not given are empty. */
export function complete(status: number, rest: Partial<Completion> = {}): Completion {
  return { status, ...NOTHING, ...rest };
}
