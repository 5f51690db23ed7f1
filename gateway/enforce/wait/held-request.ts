import { complete, type Completion } from '../../domain/completion.ts';
import type { Hold, HeldResponse } from '../../domain/hold.ts';
import { Problem } from '../../domain/problem.ts';
import type { Reply, StreamedAnswer } from '../../domain/reply.ts';
import type { AnswerNote } from '../../domain/upstream-sink.ts';
import { outcomeView } from './outcome-view.ts';
import type { HoldSnapshot, Waiting } from './hold-waiters.ts';
import type { Listener } from './tellings.ts';

/** Seconds after which a caller should ask again; SDKs honour at most 60. */
export const RETRY_AFTER = 5;

/** A caller's request at a hold: how long the caller may wait, whether it is still connected, and its answer. */
export class HeldRequest implements Waiting, Listener {
  readonly reply: Reply;
  readonly decisionId: string;
  /** The caller prefers a handle to waiting (RFC 7240). */
  readonly wantsHandle: boolean;
  readonly #since: number;
  readonly #until: number;
  #gone: boolean;
  #answer: StreamedAnswer | null = null;
  #leave: (() => void) | null = null;
  #unwanted = false;
  #closed: 'no' | 'yes' | (() => void) = 'no';

  /**
   * @param since when the request arrived, by `performance.now()`, which clock changes do not affect
   * @param wait the longest wait, in milliseconds
   */
  constructor(reply: Reply, decisionId: string, since: number, wait: number) {
    const { preference } = reply;
    this.reply = reply;
    this.decisionId = decisionId;
    this.wantsHandle = preference.async && !reply.tunnel;
    this.#since = since;
    this.#until =
      since + (this.wantsHandle && preference.wait === null ? 0 : Math.min(wait, preference.wait ?? Infinity));
    // The caller may have left while its call was being stored. Then it does not wait, and its call is not released.
    this.#gone = reply.gone;
    reply.onClose(() => this.#close());
  }

  /** The caller begins to wait. */
  begin(): void {
    if (!this.#gone && this.timeLeft > 0) this.reply.waits(this.decisionId);
  }

  /** The caller cancelled its request. A call that is being released goes on: its answer is kept. */
  hangUp(): void {
    this.#unwanted = true;
    if (this.#answer || this.#gone) return;
    this.#gone = true;
    this.reply.hangUp();
    this.#leave?.();
  }

  /** Whether the caller hung up before it had its answer. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Milliseconds that the caller has waited. */
  get waited(): number {
    return performance.now() - this.#since;
  }

  /** Milliseconds that the caller may still wait. */
  get timeLeft(): number {
    return this.#until - performance.now();
  }

  /** Whether the caller asks for the answer again: it does not fit on the stream on which it waited, or was cancelled. */
  get keptBack(): boolean {
    return this.#unwanted || this.reply.keptBack;
  }

  onClose(closed: () => void): void {
    if (this.#closed === 'yes') closed();
    else this.#closed = closed;
  }

  onGone(leave: () => void): void {
    this.#leave = leave;
  }

  /** Streams the system's answer. */
  answer({ id }: Pick<Hold, 'id'>): StreamedAnswer {
    this.#answer = this.reply.answer(this.decisionId, 'hold', id);
    return this.#answer;
  }

  end({ id }: Pick<Hold, 'id'>, status: number, rest: Partial<Completion> = {}): Completion {
    return complete(status, {
      holdId: id,
      heldMs: performance.now() - this.#since,
      notes: this.#answer?.notes ?? [],
      code: (this.#answer && this.reply.whyCutOff()?.code) ?? null,
      ...rest,
    });
  }

  refuse(hold: HoldSnapshot, problem: Problem, extras: { retry_after?: number } = {}): Completion {
    this.reply.problem(this.decisionId, 'hold', withHold(problem, hold, extras));
    return this.end(hold, problem.status, { code: problem.code, cause: problem.cause });
  }

  /** Answers with the stored answer of the upstream. */
  give(hold: HoldSnapshot, kept: HeldResponse, notes: readonly AnswerNote[]): Completion {
    this.reply.stored(this.decisionId, kept);
    return this.end(hold, kept.status, { responseBytes: kept.body.length, notes });
  }

  /** Tells the caller to retry. It gets no 2xx, which it could take for success, unless it asked for a handle. */
  sendAway(hold: HoldSnapshot): Completion {
    const code = hold.status === 'pending' ? 'approval-pending' : 'release-pending';
    if (!this.wantsHandle) return this.refuse(hold, new Problem(code), { retry_after: RETRY_AFTER });
    this.reply.accepted(this.decisionId, hold, RETRY_AFTER);
    return this.end(hold, 202);
  }

  #close(): void {
    this.#gone ||= this.reply.gone;
    this.#leave?.();
    const closed = this.#closed;
    this.#closed = 'yes';
    if (typeof closed === 'function') closed();
  }
}

/** The problem, with its hold, the reviewer's code and note, and the outcome. */
export function withHold(problem: Problem, hold: HoldSnapshot, extras: { retry_after?: number } = {}): Problem {
  const code = hold.code === null ? {} : { reviewer_code: hold.code };
  const note = hold.note === null ? {} : { note: hold.note };
  const rule = hold.rules?.[0] ? { rule: hold.rules[0].id } : {};
  const told = { ...problem.extras, hold_id: hold.id, ...rule, ...code, ...note, ...outcomeView(hold), ...extras };
  return new Problem(problem.code, { detail: problem.message, cause: problem.cause, extras: told });
}
