/**
 * What is written in one turn of the event loop. Answers that become ready together are written together, at its end:
 * the peers wake up once, and each answer is one write.
 */
export class Turn {
  #writers: { end(): void }[] = [];

  readonly #end = (): void => {
    const writers = this.#writers;
    this.#writers = [];
    for (const writer of writers) writer.end();
  };

  /** Tells the writer when the turn ends. */
  add(writer: { end(): void }): void {
    if (this.#writers.push(writer) === 1) setImmediate(this.#end);
  }
}
