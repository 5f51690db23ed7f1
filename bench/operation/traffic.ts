/**
 * Mixed calls from a process of its own, which prints a line of JSON for each stretch of time: `node traffic.ts JOB`.
 */
import { quantile } from '../holds/figures.ts';
import { openConnection, type Connection } from './connection.ts';
import { mixedCall } from './mixed-calls.ts';

export type TrafficJob = {
  readonly base: string;
  readonly token: string;
  /** Calls a second, begun whatever happens to those before; null: each connection sends as soon as it has its answer. */
  readonly rate: number | null;
  readonly connections: number;
  readonly seconds: number;
  /** Seconds of each stretch. */
  readonly every: number;
};

export type Stretch = {
  readonly calls: number;
  readonly seconds: number;
  /** The failures, with their counts. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds from when a call was due. */
  readonly p50: number;
  readonly p99: number;
  readonly highest: number;
};

async function run({ base, token, rate, connections, seconds, every }: TrafficJob): Promise<void> {
  const idle: Connection[] = await Promise.all(Array.from({ length: connections }, () => openConnection(base, token)));
  const started = performance.now();
  const ends = started + seconds * 1000;
  let [begun, running, stretchBegan] = [0, 0, started];
  let latencies: number[] = [];
  let failures: Record<string, number> = {};

  function fail(reason: string): void {
    failures[reason] = (failures[reason] ?? 0) + 1;
  }
  async function send(due: number, connection: Connection | Promise<Connection>): Promise<Connection | null> {
    const { expected, ...outgoing } = mixedCall(begun++);
    running += 1;
    try {
      const used = await connection;
      const { status } = await used.call(outgoing);
      latencies.push(performance.now() - due);
      if (status !== expected) fail(`${outgoing.method}: ${status} instead of ${expected}`);
      return used;
    } catch (error) {
      fail((error as Error).message);
      return null;
    } finally {
      running -= 1;
    }
  }
  /** A connection that only a stall made necessary is closed: it would occupy the gateway for the rest of the run. */
  function giveBack(used: Connection | null): void {
    if (used && idle.length < connections) idle.push(used);
    else used?.close();
  }
  function tell(): void {
    const now = performance.now();
    const [p50, p99, highest] = [0.5, 0.99, 1].map((share) => (latencies.length > 0 ? quantile(latencies, share) : 0));
    const stretch = { calls: latencies.length, seconds: (now - stretchBegan) / 1000, failures, p50, p99, highest };
    process.stdout.write(`${JSON.stringify(stretch as Stretch)}\n`);
    [latencies, failures, stretchBegan] = [[], {}, now];
  }

  const telling = setInterval(tell, every * 1000);
  if (rate === null) {
    await Promise.all(
      idle.map(async (connection) => {
        let used: Connection | null = connection;
        while (used && performance.now() < ends) used = await send(performance.now(), used);
      }),
    );
  } else {
    for (let now = started; now < ends; now = performance.now()) {
      for (let due = started + (begun * 1000) / rate; due <= now; due = started + (begun * 1000) / rate)
        void send(due, idle.shift() ?? openConnection(base, token)).then(giveBack);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    while (running > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  clearInterval(telling);
  if (latencies.length > 0) tell();
}

await run(JSON.parse(process.argv[2] ?? '') as TrafficJob);
process.exit(0);
