import { problems, type AdminProblemCode, type AgentProblemCode } from './problems.ts';

/** A code that agents receive. */
export type ProblemCode = AgentProblemCode;

/** Members that a problem body may have in addition to those of RFC 9457. */
type ProblemExtras = {
  decision_id?: string;
  hold_id?: string;
  rule?: string;
  note?: string;
  /** Seconds; sent as Retry-After too. */
  retry_after?: number;
  [member: string]: unknown;
};

/** An error of the registry on its way to a caller. Thrown by any stage or route; one place turns it into a response. */
export abstract class ProblemDetails<
  Code extends AgentProblemCode | AdminProblemCode,
  Extras extends object,
> extends Error {
  readonly code: Code;
  readonly status: number;
  readonly extras: Partial<Extras>;

  /** `detail` replaces the registry's text where the thrower knows better what the caller can do. */
  constructor(code: Code, options: { detail?: string; cause?: unknown; extras?: Partial<Extras> } = {}) {
    const [status, , detail] = problems[code];
    super(options.detail ?? detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = status;
    this.extras = options.extras ?? {};
  }

  /** The body of an application/problem+json response (RFC 9457). */
  toJSON(): Record<string, unknown> {
    const { code, status, message, extras } = this;
    const [, title] = problems[code];
    return { type: `urn:holdpoint:problem:${code}`, title, status, detail: message, code, ...extras };
  }
}

/** An error for an agent. */
export class Problem extends ProblemDetails<AgentProblemCode, ProblemExtras> {
  override readonly name = 'Problem';

  /**
   * Repeats the message where SDKs look for it: without `error.message` the Stripe SDK even takes a 403 for a success.
   */
  override toJSON(): Record<string, unknown> {
    const { code, message } = this;
    return { ...super.toJSON(), message, error: { type: 'holdpoint_error', code, message } };
  }
}
