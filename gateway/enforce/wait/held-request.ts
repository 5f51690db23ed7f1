import type { Completion, Exchange } from '../../domain/exchange.ts';
import type { Hold, HeldResponse } from '../../domain/hold.ts';
import { Problem } from '../../domain/problem.ts';
import { outcomeView } from './outcome-view.ts';
import { complete } from '../completion.ts';
import { writeHeldResponse } from '../reply/held-response.ts';
import { readPrefer } from '../prefer.ts';
import { holdLocation, sendProblem } from '../refuse.ts';
import type { Glimpse, Visitor } from './hold-waiters.ts';

/** Seconds after which a caller who was sent away should ask again; SDKs honour at most 60. */
const RETRY_AFTER = 5;

/** One caller at a hold: how long it stays, whether it is still there, and what it is told in the end. */
export class Visit implements Visitor {
  readonly exchange: Exchange;
  readonly decisionId: string;
  /** It would rather have a handle than wait (RFC 7240). */
  readonly wantsHandle: boolean;
  readonly #since: number;
  readonly #until: number;
  #gone: boolean;
  #leave: (() => void) | null = null;

  /**
   * @param since when it came, by `performance.now()`, which no change of the clock can stretch
   * @param wait the longest that it may stay, in milliseconds
   */
  constructor(exchange: Exchange, decisionId: string, since: number, wait: number) {
    const prefer = readPrefer(exchange.request.headers);
    this.exchange = exchange;
    this.decisionId = decisionId;
    this.wantsHandle = prefer.async && !exchange.tunnel;
    this.#since = since;
    this.#until = since + (this.wantsHandle && prefer.wait === null ? 0 : Math.min(wait, prefer.wait ?? Infinity));
    // It may have left while its call was stored: then it does not wait, and nothing is released for it.
    this.#gone = exchange.response.destroyed;
    exchange.response.on('close', () => this.#close());
  }

  /** It hung up before it had its answer. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Milliseconds that are left to it. */
  get patience(): number {
    return this.#until - performance.now();
  }

  onGone(leave: () => void): void {
    this.#leave = leave;
  }

  end({ id }: Pick<Hold, 'id'>, status: number, rest: Partial<Completion> = {}): Completion {
    return complete(status, { holdId: id, heldMs: performance.now() - this.#since, ...rest });
  }

  refuse(hold: Glimpse, problem: Problem, extras: { retry_after?: number } = {}): Completion {
    sendProblem(this.exchange.response, withHold(problem, hold, extras), this.decisionId, 'hold');
    return this.end(hold, problem.status, { code: problem.code, cause: problem.cause });
  }

  /** The answer of the system, as it was kept. */
  give(hold: Glimpse, kept: HeldResponse): Completion {
    writeHeldResponse(this.exchange.response, kept, this.decisionId);
    return this.end(hold, kept.status, { responseBytes: kept.body.length });
  }

  /** It is to come back; never a 2xx that it could take for success, unless it asked for a handle. */
  sendAway(hold: Glimpse): Completion {
    if (!this.wantsHandle) return this.refuse(hold, new Problem('approval-pending'), { retry_after: RETRY_AFTER });
    writeAccepted(this.exchange.response, hold, this.decisionId);
    return this.end(hold, 202);
  }

  #close(): void {
    this.#gone = !this.exchange.response.writableFinished;
    this.#leave?.();
  }
}

/** A problem that tells which hold it is about, and what the people who decided on it said and did. */
function withHold(problem: Problem, hold: Glimpse, extras: { retry_after?: number }): Problem {
  const code = hold.code === null ? {} : { reviewer_code: hold.code };
  const note = hold.note === null ? {} : { note: hold.note };
  const rule = hold.rules[0] ? { rule: hold.rules[0].id } : {};
  const told = { ...problem.extras, hold_id: hold.id, ...rule, ...code, ...note, ...outcomeView(hold), ...extras };
  return new Problem(problem.code, { detail: problem.message, cause: problem.cause, extras: told });
}

/** 202 with a handle (RFC 7240 section 4.1): the agent reads the outcome at `Location`, and control releases. */
function writeAccepted(response: Exchange['response'], hold: Glimpse, decisionId: string): void {
  const body = Buffer.from(JSON.stringify({ hold_id: hold.id, status: hold.status, retry_after: RETRY_AFTER }));
  response.writeHead(202, {
    'content-type': 'application/json',
    'content-length': body.length,
    location: holdLocation(hold.id),
    'retry-after': String(RETRY_AFTER),
    'preference-applied': 'respond-async',
    'holdpoint-decision': decisionId,
    'holdpoint-verdict': 'hold',
  });
  response.end(body);
}
