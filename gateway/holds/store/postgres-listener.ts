import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Milliseconds before the first attempt to reconnect, and the longest between two. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5_000;

/**
 * Listens on a connection of its own, which is made again whenever it is lost. `heard` is called with each payload, and
 * with null when something may have been missed: once the connection is there, and at every interval, since a process
 * that is killed between its commit and its notification does not notify.
 */
export function listen(options: {
  readonly connect: () => pg.Client;
  readonly channel: string;
  readonly lookInterval: number;
  readonly heard: (payload: string | null) => void;
}): { stop(): void } {
  const { connect, channel, lookInterval, heard } = options;
  const stopped = new AbortController();
  const looks = setInterval(() => heard(null), lookInterval).unref();

  async function session(): Promise<void> {
    const client = connect();
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    const end = () => void client.end().catch(() => {});
    client.on('error', () => {});
    client.on('notification', ({ payload }) => heard(payload ?? null));
    stopped.signal.addEventListener('abort', end);
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      heard(null);
      await ended;
    } finally {
      stopped.signal.removeEventListener('abort', end);
      end();
    }
  }

  async function run(): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!stopped.signal.aborted) {
      const began = performance.now();
      await session().catch(() => {});
      pause = performance.now() - began > LONGEST_PAUSE ? FIRST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
      // With some chance in it, so that all gateways do not come back in the same moment.
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: stopped.signal, ref: false }).catch(() => {});
    }
  }
  void run();

  return {
    stop() {
      clearInterval(looks);
      stopped.abort();
    },
  };
}
