import type { Verdict } from '../../domain/decision.ts';
import { headerValue, VIA } from '../../domain/headers.ts';
import type { AgentResponse } from '../../domain/message.ts';
import type { Sharing } from '../../domain/reply.ts';
import { shareAnswer } from './shared-headers.ts';
import type { AnswerNote, UpstreamSink } from '../../domain/upstream-sink.ts';

const NONE: readonly AnswerNote[] = [];
const NO_TRAILERS: readonly string[] = [];

/** Streams an upstream's answer to the waiting agent. The headers name the decision. */
export class AgentAnswer implements UpstreamSink {
  readonly #response: AgentResponse;
  readonly #attribution: readonly string[];
  readonly #sharing: Sharing | null;
  /** Bytes left to send; negative when the upstream gave no length. */
  #remaining = -1;
  #broken = false;
  #gone = false;
  #notes: readonly AnswerNote[] = NONE;

  constructor(response: AgentResponse, decisionId: string, verdict: Verdict, sharing: Sharing | null) {
    this.#response = response;
    this.#sharing = sharing;
    this.#attribution = ['Via', VIA, 'Holdpoint-Decision', decisionId, 'Holdpoint-Verdict', verdict];
  }

  /** Whether the agent hung up before it had the whole answer. */
  get gone(): boolean {
    return this.#gone;
  }

  get notes(): readonly AnswerNote[] {
    return this.#notes;
  }

  note(code: AnswerNote): void {
    this.#notes = [...this.#notes, code];
  }

  head(status: number, headers: string[]): void {
    const length = headerValue(headers, 'content-length');
    this.#remaining = length === null ? -1 : Number(length);
    headers.push(...this.#attribution);
    if (this.#sharing) shareAnswer(headers, this.#sharing);
    this.#response.begin(status, headers);
    // Without a length, the first bytes may come much later (server-sent events). The head must not wait for them.
    if (length === null) this.#response.flush();
  }

  data(chunk: Buffer): boolean {
    this.#remaining -= chunk.length;
    if (this.#remaining !== 0) return this.#response.write(chunk);
    this.#response.end(chunk);
    return true;
  }

  end(trailers: string[]): void {
    if (this.#response.ended) return;
    this.#response.end(undefined, this.#remaining < 0 ? trailers : NO_TRAILERS);
  }

  broken(): void {
    this.#broken = true;
    this.#response.abort();
  }

  onDrain(resume: () => void): void {
    this.#response.onDrain(resume);
  }

  onGone(abort: () => void): void {
    const leave = () => {
      if (!this.#response.gone || this.#broken) return;
      this.#gone = true;
      abort();
    };
    // The agent may have left while its call waited for the journal or for a connection.
    if (this.#response.gone) leave();
    else this.#response.onClose(leave);
  }
}
