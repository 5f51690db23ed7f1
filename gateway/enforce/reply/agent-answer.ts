import type { ServerResponse } from 'node:http';
import type { Verdict } from '../../domain/decision.ts';
import { abortAnswer } from './abort-answer.ts';
import { headerValue } from '../../domain/headers.ts';
import { ONE_WRITE } from '../../wire/delivery.ts';
import type { AnswerNote, UpstreamSink } from '../../domain/upstream-sink.ts';

const NONE: readonly AnswerNote[] = [];

/** Streams an upstream's answer to the waiting agent. The headers name the decision. */
export class AgentAnswer implements UpstreamSink {
  readonly #response: ServerResponse;
  readonly #attribution: readonly string[];
  #begun = false;
  /** Bytes left to send; negative when the upstream gave no length. */
  #remaining = -1;
  #broken = false;
  #gone = false;
  #notes: readonly AnswerNote[] = NONE;

  constructor(response: ServerResponse, decisionId: string, verdict: Verdict) {
    this.#response = response;
    this.#attribution = ['Holdpoint-Decision', decisionId, 'Holdpoint-Verdict', verdict];
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
    this.#response.writeHead(status, headers);
    // Without a length, the first bytes may come much later (server-sent events). The head must not wait for them.
    if (length === null) this.#response.flushHeaders();
  }

  data(chunk: Buffer): boolean {
    this.#remaining -= chunk.length;
    if (this.#remaining === 0) {
      // A small answer that is whole goes out as one string, which Node joins with the head: one write instead of two.
      if (!this.#begun && chunk.length <= ONE_WRITE) this.#response.end(chunk.toString('latin1'), 'latin1');
      else this.#response.end(chunk);
      return true;
    }
    this.#begun = true;
    return this.#response.write(chunk);
  }

  end(trailers: string[]): void {
    if (this.#response.writableEnded) return;
    if (trailers.length > 0 && this.#remaining < 0) this.#response.addTrailers(pairs(trailers));
    this.#response.end();
  }

  broken(): void {
    this.#broken = true;
    abortAnswer(this.#response);
  }

  onDrain(resume: () => void): void {
    this.#response.once('drain', resume);
  }

  onGone(abort: () => void): void {
    const leave = () => {
      if (this.#response.writableFinished || this.#broken) return;
      this.#gone = true;
      abort();
    };
    // The agent may have left while its call waited for the journal or for a connection.
    if (this.#response.destroyed) leave();
    else this.#response.on('close', leave);
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
}
