import type { Call } from './call.ts';
import type { Cost } from './cost.ts';

/** An unexpected answer. The policy's drift rules find it after the agent has the answer. */
export type Drift = {
  /** The rules that matched, as `<package>/<name>`. */
  readonly rules: readonly string[];
  readonly reason: string;
  /** The revision of these rules. It may be newer than the revision that decided. */
  readonly policyRevision: string;
};

/** The drift rules' result for one answer. `fault` is set if they failed, for the log. */
export type DriftCheck = { readonly drift: Drift | null; readonly fault: string | null };

/** The drift rules of the policy in force. */
export type DriftRules = {
  /** Whether a system has any. One lookup. */
  watches(system: string): boolean;
  /** @param input the call's policy input with `answer` added. Never throws. */
  findDrift(input: string): DriftCheck;
};

/** The cost and drift of an answered call. */
export type Measurement = { readonly cost: Cost | null; readonly drift: Drift | null };

/** What is known of a call's cost before it is answered. */
export type Expectation = {
  /** The cost if the answer names none; null if it is free then. */
  readonly cost: Cost | null;
  /** The unit of the cost that the answer may name; null if none is read from it. */
  readonly metered: string | null;
};

/** Keeps the parts of a streaming answer that metering needs. */
export type AnswerSample = {
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
};

export type Meter = {
  /** @param policyCost the call's cost according to policy */
  expects(call: Pick<Call, 'system' | 'operation'>, policyCost: Cost | null): Expectation;
  /** Starts a sample of the answer; null in the common case that metering needs nothing of it. */
  sample(call: Pick<Call, 'system' | 'operation'>): AnswerSample | null;
  /**
   * Call it once the agent has the answer: reading an answer takes time. Never rejects.
   * @param policyCost the call's cost according to policy
   * @param delivery the status of the answer, 0 if there was none; and the problem that cut it off, if any
   */
  measure(
    call: Pick<Call, 'id' | 'system' | 'operation' | 'input'>,
    policyCost: Cost | null,
    sample: AnswerSample | null,
    delivery: { readonly status: number; readonly problem: Error | null },
  ): Measurement | Promise<Measurement>;
};
