import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { send, TOKEN, type Answer, type Sent } from '../helpers/gateway.ts';

/** One call of a load, and how it ended for its sender. */
export type Outcome = {
  readonly connection: number;
  readonly sent: Sent;
  readonly answer: Answer | null;
  readonly error: Error | null;
};

export type Load = {
  readonly outcomes: readonly Outcome[];
  /** Resolves when so many more calls are answered, and every connection has had an answer. */
  more(calls: number): Promise<void>;
  /** Sends no more calls; resolves when the calls under way have ended. */
  stop(): Promise<readonly Outcome[]>;
};

/**
 * Sends one call after another on each of `connections` kept-alive connections, or on a new connection for each call.
 * @param next gives the call of this number
 */
export function startLoad(
  url: string,
  next: (number: number) => Sent,
  { connections = 6, keepAlive = true }: { connections?: number; keepAlive?: boolean } = {},
): Load {
  const outcomes: Outcome[] = [];
  let number = 0;
  let stopped = false;

  async function caller(connection: number): Promise<void> {
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    while (!stopped) {
      const call = next(number++);
      const sent = { ...call, headers: { authorization: `Bearer ${TOKEN}`, ...call.headers } };
      const outcome = await send(url, sent, agent).then(
        (answer) => ({ answer, error: null }),
        (error: Error) => ({ answer: null, error }),
      );
      outcomes.push({ connection, sent: call, ...outcome });
      // A gateway that is down refuses at once. The pause avoids a busy loop.
      if (outcome.error) await pause(20);
    }
    agent.destroy();
  }
  const callers = Promise.all(Array.from({ length: connections }, (_, i) => caller(i)));

  return {
    outcomes,
    async more(calls) {
      const answered = () => outcomes.filter(({ answer }) => answer).length;
      const enough = answered() + calls;
      const served = () => new Set(outcomes.flatMap(({ connection, answer }) => (answer ? connection : []))).size;
      const isEnough = () => answered() >= enough && served() === connections;
      for (const end = performance.now() + 30_000; !isEnough(); await pause(5)) {
        if (performance.now() > end) throw new Error('The load stands still');
      }
    },
    async stop() {
      stopped = true;
      await callers;
      return outcomes;
    },
  };
}
