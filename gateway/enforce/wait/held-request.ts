import { complete, type Completion } from '../../domain/completion.ts';
import type { Hold, HeldResponse } from '../../domain/hold.ts';
import { Problem } from '../../domain/problem.ts';
import type { Reply } from '../../domain/reply.ts';
import { outcomeView } from './outcome-view.ts';
import type { HoldSnapshot, Waiting } from './hold-waiters.ts';

/** Seconds after which a caller should ask again; SDKs honour at most 60. */
const RETRY_AFTER = 5;

/** The request of a caller at a hold: how long it may wait, whether the caller is still there, and how it is answered. */
export class HeldRequest implements Waiting {
  readonly reply: Reply;
  readonly decisionId: string;
  /** The caller prefers a handle to waiting (RFC 7240). */
  readonly wantsHandle: boolean;
  readonly #since: number;
  readonly #until: number;
  #gone: boolean;
  #leave: (() => void) | null = null;

  /**
   * @param since when it came, by `performance.now()`, which no change of the clock can stretch
   * @param wait the longest that it may wait, in milliseconds
   */
  constructor(reply: Reply, decisionId: string, since: number, wait: number) {
    const { preference } = reply;
    this.reply = reply;
    this.decisionId = decisionId;
    this.wantsHandle = preference.async && !reply.tunnel;
    this.#since = since;
    this.#until =
      since + (this.wantsHandle && preference.wait === null ? 0 : Math.min(wait, preference.wait ?? Infinity));
    // The caller may have left while its call was stored: then it does not wait, and nothing is released for it.
    this.#gone = reply.gone;
    reply.onClose(() => this.#close());
  }

  /** The caller hung up before it had its answer. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Milliseconds that it may still wait. */
  get timeLeft(): number {
    return this.#until - performance.now();
  }

  onGone(leave: () => void): void {
    this.#leave = leave;
  }

  end({ id }: Pick<Hold, 'id'>, status: number, rest: Partial<Completion> = {}): Completion {
    return complete(status, { holdId: id, heldMs: performance.now() - this.#since, ...rest });
  }

  refuse(hold: HoldSnapshot, problem: Problem, extras: { retry_after?: number } = {}): Completion {
    this.reply.problem(this.decisionId, 'hold', withHold(problem, hold, extras));
    return this.end(hold, problem.status, { code: problem.code, cause: problem.cause });
  }

  /** The system's answer, as it was stored. */
  give(hold: HoldSnapshot, kept: HeldResponse): Completion {
    this.reply.stored(this.decisionId, kept);
    return this.end(hold, kept.status, { responseBytes: kept.body.length });
  }

  /** The caller is to come back. It gets no 2xx that it could take for success, unless it asked for a handle. */
  sendAway(hold: HoldSnapshot): Completion {
    if (!this.wantsHandle) return this.refuse(hold, new Problem('approval-pending'), { retry_after: RETRY_AFTER });
    this.reply.accepted(this.decisionId, hold, RETRY_AFTER);
    return this.end(hold, 202);
  }

  #close(): void {
    this.#gone = this.reply.gone;
    this.#leave?.();
  }
}

/** The problem, with the hold that it is about and what its reviewers said and did. */
function withHold(problem: Problem, hold: HoldSnapshot, extras: { retry_after?: number }): Problem {
  const code = hold.code === null ? {} : { reviewer_code: hold.code };
  const note = hold.note === null ? {} : { note: hold.note };
  const rule = hold.rules?.[0] ? { rule: hold.rules[0].id } : {};
  const told = { ...problem.extras, hold_id: hold.id, ...rule, ...code, ...note, ...outcomeView(hold), ...extras };
  return new Problem(problem.code, { detail: problem.message, cause: problem.cause, extras: told });
}
