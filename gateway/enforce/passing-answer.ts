import type { AnswerNote, UpstreamSink } from '../domain/upstream-sink.ts';

/** Passes an answer on as it comes. What changes answers overrides what it changes. */
export class PassingAnswer implements UpstreamSink {
  protected readonly next: UpstreamSink;

  constructor(next: UpstreamSink) {
    this.next = next;
  }

  head(status: number, headers: string[]): void {
    this.next.head(status, headers);
  }

  data(chunk: Buffer): boolean {
    return this.next.data(chunk);
  }

  end(trailers: string[]): void {
    this.next.end(trailers);
  }

  broken(): void {
    this.next.broken();
  }

  onDrain(resume: () => void): void {
    this.next.onDrain(resume);
  }

  onGone(abort: () => void): void {
    this.next.onGone(abort);
  }

  note(code: AnswerNote): void {
    this.next.note?.(code);
  }
}
