import { isUnloaded, type Call } from '../domain/call.ts';
import type { Exchange } from '../domain/exchange.ts';
import type { Problem } from '../domain/problem.ts';
import {
  LISTED_IN_FLIGHT,
  MOST_IN_FLIGHT,
  workKey,
  type CallInFlight,
  type InFlight,
  type WorkKey,
} from '../domain/work.ts';

type Running = Pick<Exchange, 'caller' | 'reply' | 'calls' | 'receivedAt'>;

/**
 * The requests in progress, so that a drain knows when the last one has ended, a suspension ends them, and people see
 * them.
 */
export class RunningCalls {
  /** In the order in which they began. */
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

  /**
   * Counts the calls of known agents. Calls that wait at a hold and streams on which a caller only listens are no work
   * in flight.
   */
  inFlight(operationOf: (call: Call) => string): InFlight {
    const work = new Map<string, WorkKey & { count: number; readonly calls: CallInFlight[] }>();
    let others = 0;
    function count(key: WorkKey, call: CallInFlight | null): void {
      const name = workKey(key);
      const known = work.get(name) ?? { ...key, count: 0, calls: [] };
      if (known.count === 0 && work.size === MOST_IN_FLIGHT) others += 1;
      else work.set(name, known);
      known.count += 1;
      if (call && known.calls.length < LISTED_IN_FLIGHT) known.calls.push(call);
    }
    for (const { caller, calls, reply, receivedAt } of this.#calls) {
      if (!caller || reply.listens) continue;
      const { agent, owner } = caller.principal;
      const key = { owner, agent, system: caller.system.name };
      if (calls.length === 0) count({ ...key, operation: '' }, null);
      for (const { call } of calls)
        if (!isUnloaded(call)) count({ ...key, operation: operationOf(call) }, { id: call.id, at: receivedAt });
    }
    return { work: [...work.values()], others };
  }

  /** Resolves when no request is in progress. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }
}
