import type { RunningTask, StreamedAnswer } from '../../../domain/reply.ts';
import type { AnswerNote } from '../../../domain/upstream-sink.ts';
import { KEPT_RESPONSE_LIMIT } from '../../release/captured-answer.ts';
import { answeredEnd } from './task.ts';

/** The server's answer to a call that runs as a task. The client left with the task's id, and asks for it later. */
export class TaskAnswer implements StreamedAnswer {
  readonly gone = false;
  readonly notes: AnswerNote[] = [];
  readonly #task: RunningTask;
  #status = 0;
  #headers: readonly string[] = [];
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(task: RunningTask) {
    this.#task = task;
  }

  note(code: AnswerNote): void {
    this.notes.push(code);
  }

  head(status: number, headers: string[]): void {
    this.#status = status;
    this.#headers = headers;
  }

  data(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes <= KEPT_RESPONSE_LIMIT) this.#chunks.push(chunk);
    return true;
  }

  end(): void {
    if (this.#bytes > KEPT_RESPONSE_LIMIT) {
      this.#fail(
        413,
        `The tool was executed, but its result is larger than ${KEPT_RESPONSE_LIMIT} bytes, so it was not kept.`,
      );
      return;
    }
    this.#task.settle(answeredEnd({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) }));
  }

  /** If no answer had begun, a problem follows, which says more. */
  broken(): void {
    if (this.#status > 0) this.#fail(502, 'The connection to the server broke. The tool may have been executed.');
  }

  onDrain(): void {}

  onGone(): void {}

  #fail(code: number, message: string): void {
    this.#task.settle({ error: JSON.stringify({ code, message }) });
  }
}
