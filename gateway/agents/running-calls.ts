/** Counts the requests in progress, so that a drain knows when the last one has ended. */
export class RunningCalls {
  #running = 0;
  #whenIdle: (() => void) | null = null;

  readonly began = (): void => {
    this.#running += 1;
  };

  readonly ended = (): void => {
    this.#running -= 1;
    if (this.#running === 0) this.#whenIdle?.();
  };

  /** Resolves when no request is in progress. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }
}
