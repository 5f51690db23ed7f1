import type { Call } from './call.ts';
import type { Cost } from './cost.ts';

/** What the answer of a system contradicts: found by rules in policy after the agent had the answer. */
export type Drift = {
  /** Rules that found something, as `<package>/<name>`. */
  readonly rules: readonly string[];
  readonly reason: string;
  /** The bundle whose rules they are; it may be a newer one than decided. */
  readonly policyRevision: string;
};

/** What the drift rules say of one answer. `fault` is set when they could not be asked: for the log. */
export type DriftCheck = { readonly drift: Drift | null; readonly fault: string | null };

/** The drift rules of the policy in force. */
export type DriftRules = {
  /** Whether there are any for a system. One look-up. */
  watches(system: string): boolean;
  /** Given the input of the call with `answer` added to it, as JSON text. Never throws. */
  findDrift(input: string): DriftCheck;
};

/** What is said of a call once it was answered. */
export type Measurement = { readonly cost: Cost | null; readonly drift: Drift | null };

/** Keeps what has to be known of an answer while it passes by. */
export type AnswerSample = {
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
};

export type Meter = {
  /** To keep what of the answer to such a call has to be known; null in the common case that it is nothing. */
  sample(call: Pick<Call, 'system' | 'operation'>): AnswerSample | null;
  /**
   * To be asked when the agent has the answer: it takes a while for answers that have to be read. Never rejects.
   * @param policyCost what policy says that the call costs
   * @param delivery the status of the answer, 0 when there was none; and what broke it off, if anything did
   */
  measure(
    call: Pick<Call, 'id' | 'system' | 'operation' | 'input'>,
    policyCost: Cost | null,
    sample: AnswerSample | null,
    delivery: { readonly status: number; readonly problem: Error | null },
  ): Measurement | Promise<Measurement>;
};
