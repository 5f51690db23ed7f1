import type { Verdict } from '../../../domain/decision.ts';
import type { HeldResponse } from '../../../domain/hold.ts';
import type { Problem } from '../../../domain/problem.ts';
import type {
  AnsweredMessage,
  HandleState,
  HeldEnd,
  Preference,
  Reply,
  RunningTask,
  StreamedAnswer,
  Via,
} from '../../../domain/reply.ts';
import type { TaskEnd } from '../../../domain/task-store.ts';
import { finalResponse } from '../../../mcp/final-response.ts';
import { STREAM, END_SESSION } from '../../../mcp/protocol.ts';
import { RUNNING_RETRY_AFTER, runningState } from '../../mcp/tasks.ts';
import { KEPT_RESPONSE_LIMIT } from '../../release/captured-answer.ts';
import { HeldAnswer, LARGEST_IN_STREAM, type MessageSink } from './held-answer.ts';
import { createdLegacyTask, legacyResult, legacyTask } from './legacy-task.ts';
import { foreignResponse, isFault, refusal, tooLargeForStream } from './refusal.ts';
import { TaskAnswer } from './task-answer.ts';
import { createdTask, detailedTask, refusedEnd, taskEnd } from './task.ts';
import { WaitingStream } from './waiting-stream.ts';

/** The HTTP response of one message. */
export type MessageTransport = Pick<Reply, 'via' | 'gone' | 'whyCutOff' | 'onClose' | 'answer' | 'locationOf'> & {
  /** Whether the caller takes a media type. */
  accepts(type: string): boolean;
  /** One message, as JSON text. */
  message(decisionId: string, verdict: Verdict, status: number, json: string): void;
  withoutBody(decisionId: string, verdict: Verdict, status: number): void;
  /** Begins a stream of server-sent events. Returns what writes to it; false asks for a pause. */
  openStream(decisionId: string, verdict: Verdict): (piece: Buffer) => boolean;
  /**
   * What the system answers goes out on the stream from now on, so that a suspension cuts it off. A caller that waits for
   * people is not cut off: the suspension ends its hold, and it is told so.
   */
  carriesAnswer(): void;
  endStream(): void;
  /** Calls `resume` once, when a pause may end. */
  onDrain(resume: () => void): void;
  abort(): void;
};

const WAITS: Preference = { async: false, wait: null };
const TAKES_TASK: Preference = { async: true, wait: null };

/**
 * Answers one message of MCP over Streamable HTTP. A call that waits for people gets its stream at once, with a sign of
 * life now and then, since clients and middle boxes give up on a silent one.
 */
export class McpReply implements Reply {
  readonly tunnel = null;
  readonly preference: Preference;
  readonly #http: MessageTransport;
  readonly #message: AnsweredMessage;
  #waiting: WaitingStream | null = null;
  /** Whether the client was given the task as which the call runs. */
  #isTask = false;
  #keptBack = false;

  constructor(http: MessageTransport, message: AnsweredMessage) {
    this.#http = http;
    this.#message = message;
    const takesTask = message.runsAs !== undefined || (message.takesTasks && message.method === 'tools/call');
    this.preference = takesTask ? TAKES_TASK : WAITS;
  }

  get via(): Via {
    return this.#http.via;
  }

  get gone(): boolean {
    return this.#http.gone;
  }

  get keptBack(): boolean {
    return this.#keptBack;
  }

  whyCutOff(): Problem | null {
    return this.#http.whyCutOff();
  }

  onClose(closed: () => void): void {
    this.#http.onClose(closed);
  }

  waits(decisionId: string): boolean {
    if (this.#waiting) return true;
    if (this.#message.id === null || !this.#http.accepts('text/event-stream')) return false;
    this.#waiting = new WaitingStream(this.#http.openStream(decisionId, 'hold'), this.#message.progressToken);
    // What a task waits for is the answer of a call that runs.
    if (this.#message.method.startsWith('tasks/')) this.#http.carriesAnswer();
    this.#http.onClose(() => this.#waiting?.settle());
    return true;
  }

  hangUp(): void {
    if (!this.#waiting) {
      this.#http.abort();
      return;
    }
    this.#waiting.settle();
    this.#http.endStream();
  }

  answer(decisionId: string, verdict: Verdict, holdId?: string): StreamedAnswer {
    const { id, runsAs } = this.#message;
    if (runsAs) {
      this.#begin(decisionId, verdict, runsAs);
      return new TaskAnswer(runsAs);
    }
    if (verdict !== 'hold' || id === null) return this.#http.answer(decisionId, verdict);
    this.#http.carriesAnswer();
    return new HeldAnswer(id, this.#sink(decisionId, holdId));
  }

  /** Progress of an earlier request is left out: it has another token. */
  stored(decisionId: string, response: HeldResponse): void {
    const message = this.#message;
    const { status, headers, body } = response;
    if (message.id === null) {
      this.#http.withoutBody(decisionId, 'hold', status);
      return;
    }
    if (message.runsAs) {
      const answer = this.answer(decisionId, 'hold');
      answer.head(status, [...headers]);
      answer.data(body);
      answer.end([]);
      return;
    }
    const final = finalResponse(response)?.withId(message.id);
    const json = final ?? foreignResponse(message, decisionId, status, body.toString('utf8'));
    this.#give(decisionId, json, body.length);
  }

  problem(decisionId: string, verdict: Verdict, problem: Problem): void {
    const message = this.#message;
    if (message.id === null) {
      this.#http.withoutBody(decisionId, verdict, statusWithoutBody(message.method, problem));
      return;
    }
    const { nextRound, runsAs } = message;
    // Clients read nothing but a task in answer to such a call, unless it is an error of JSON-RPC.
    const failed = runsAs && refusedEnd(problem, decisionId, verdict, 'legacy');
    if (runsAs && failed && (this.#isTask || 'result' in failed)) {
      this.#begin(decisionId, verdict, runsAs);
      runsAs.settle(failed);
      return;
    }
    if (nextRound && isUnended(problem)) {
      this.#nextRound(decisionId, verdict, nextRound);
      return;
    }
    const { status, body } = refusal(problem, message, decisionId, verdict);
    this.#respond(decisionId, verdict, status, body);
  }

  accepted(decisionId: string, hold: HandleState, retryAfter: number): void {
    const { runsAs } = this.#message;
    this.#result(decisionId, 'hold', runsAs ? createdLegacyTask(hold, retryAfter) : createdTask(hold, retryAfter));
  }

  task(decisionId: string, task: HandleState, ended: HeldEnd | TaskEnd, retryAfter: number): void {
    const { id, method, era } = this.#message;
    const end = taskEnd(task, ended, decisionId, era);
    if (era === 'modern') {
      const asks = method === 'tasks/get';
      this.#result(decisionId, 'allow', asks ? detailedTask(task, end, retryAfter) : '{"resultType":"complete"}');
      return;
    }
    if (method !== 'tasks/result') this.#result(decisionId, 'allow', legacyTask(task, end, retryAfter));
    else if (end) this.#respond(decisionId, 'allow', 200, `{"jsonrpc":"2.0","id":${id},${legacyResult(task, end)}}`);
  }

  locationOf(holdId: string): string {
    return this.#http.locationOf(holdId);
  }

  /** A held call's messages go to the stream that is open; else to one of their own, or to a plain response. */
  #sink(decisionId: string, holdId?: string): MessageSink {
    const http = this.#http;
    const message = this.#message;
    return {
      respond: (json, bytes) => this.#give(decisionId, json, bytes, holdId),
      event: (bytes) => {
        this.#waiting ??= new WaitingStream(http.openStream(decisionId, 'hold'), undefined);
        this.#waiting.settle();
        return this.#waiting.write(bytes);
      },
      end: () => http.endStream(),
      onDrain: (resume) => http.onDrain(resume),
      onClose: (closed) => http.onClose(closed),
      get gone() {
        return http.gone;
      },
      foreign: (status, body) => foreignResponse(message, decisionId, status, body),
    };
  }

  /** Answers with the task as which the call runs from now on. */
  #begin(decisionId: string, verdict: Verdict, { id, createdAt, begin }: RunningTask): void {
    if (this.#isTask) return;
    this.#isTask = true;
    begin();
    const task = runningState(id, createdAt, null);
    this.#result(decisionId, verdict, createdLegacyTask(task, RUNNING_RETRY_AFTER));
  }

  /**
   * Gives the response of the system. One that does not fit on the stream on which the caller waited is kept for the next
   * call, which finds it at once and needs no stream.
   * @param bytes of the answer from which it is
   */
  #give(decisionId: string, json: string, bytes: number, holdId?: string): void {
    const isTooLarge = this.#waiting !== null && Buffer.byteLength(json) > LARGEST_IN_STREAM;
    // A larger one is not kept: most clients read it all the same.
    this.#keptBack = isTooLarge && bytes <= KEPT_RESPONSE_LIMIT;
    if (!this.#keptBack) this.#respond(decisionId, 'hold', 200, json);
    else if (this.#message.nextRound) this.#nextRound(decisionId, 'hold', this.#message.nextRound);
    else this.#respond(decisionId, 'hold', 200, tooLargeForStream(this.#message, decisionId, holdId));
  }

  #nextRound(decisionId: string, verdict: Verdict, nextRound: () => string): void {
    this.#result(decisionId, verdict, JSON.stringify({ resultType: 'input_required', requestState: nextRound() }));
  }

  #result(decisionId: string, verdict: Verdict, result: string): void {
    this.#respond(decisionId, verdict, 200, `{"jsonrpc":"2.0","id":${this.#message.id},"result":${result}}`);
  }

  #respond(decisionId: string, verdict: Verdict, status: number, json: string): void {
    if (!this.#waiting) {
      this.#http.message(decisionId, verdict, status, json);
      return;
    }
    this.#waiting.settle();
    this.#waiting.message(json);
    this.#http.endStream();
  }
}

/** Whether a held call goes on: with its next request, the caller may also reach a process that does not end. */
function isUnended({ code, extras }: Problem): boolean {
  return (
    code === 'approval-pending' || code === 'release-pending' || (code === 'draining' && extras.hold_id !== undefined)
  );
}

/**
 * A notification gets no response. One that is blocked is dropped: another status ends the session of some clients. For
 * a stream, 405 says that there is none; for a session, that it ends by itself.
 */
function statusWithoutBody(method: string, problem: Problem): number {
  const { status } = problem;
  // Nobody would ever miss what is lost.
  if (isFault(problem) || problem.code === 'body-too-large') return status;
  if (method === STREAM || method === END_SESSION) return status < 500 ? 405 : status;
  return status < 500 ? 202 : status;
}
