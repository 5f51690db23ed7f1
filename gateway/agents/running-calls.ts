import type { Exchange } from '../domain/exchange.ts';
import type { Problem } from '../domain/problem.ts';

type Running = Pick<Exchange, 'caller' | 'reply'>;

/** The requests in progress, so that a drain knows when the last one has ended, and a suspension ends them. */
export class RunningCalls {
  readonly #calls = new Set<Running>();
  #running = 0;
  #whenIdle: (() => void) | null = null;

  readonly began = (): void => {
    this.#running += 1;
  };

  readonly ended = (): void => {
    this.#running -= 1;
    if (this.#running === 0) this.#whenIdle?.();
  };

  callBegan(call: Running): void {
    this.began();
    this.#calls.add(call);
  }

  callEnded(call: Running): void {
    this.#calls.delete(call);
    this.ended();
  }

  /** Cuts off the calls of agents that may not call their system any more. */
  cut(whyNot: (agent: string, system: string) => Problem | null): void {
    for (const { caller, reply } of this.#calls) {
      const why = caller && whyNot(caller.principal.agent, caller.system.name);
      if (why) reply.cut(why);
    }
  }

  /** Ends the streams on which nothing is answered: they would last until the process is killed. */
  endListening(): void {
    for (const { reply } of this.#calls) reply.endListening();
  }

  /** Resolves when no request is in progress. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }
}
