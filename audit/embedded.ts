/**
 * The entry of the child process that is the embedded ClickHouse: chDB behind a loopback door that speaks ClickHouse's
 * HTTP protocol. Started by `startEmbedded` with an IPC channel; lives no longer than its parent.
 *
 * A process of its own because chDB crashes a worker thread at its end, and because its long queries occupy the thread
 * pool that the journal's fdatasync needs.
 */
import { drainPending, Session } from 'chdb';
import { createHttpFront } from './http-front.ts';

/** The parent's first message. The password comes this way because an environment can be read from outside. */
export type EmbeddedOrder = {
  readonly path: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** Most bytes that the engine may use. */
  readonly memory: number;
  /** Most threads that one query may use. */
  readonly threads: number;
};

export type EmbeddedReply =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'failed'; readonly reason: string };

/** Milliseconds that running statements have to end once the parent is gone. */
const ORPHAN_LIMIT = 2_000;

process.once('message', (order: EmbeddedOrder) => {
  open(order).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.send?.({ type: 'failed', reason } satisfies EmbeddedReply, () => process.exit(1));
  });
});

async function open({ path, port, username, password, memory, threads }: EmbeddedOrder): Promise<void> {
  const session = new Session(path, {
    connectionArgs: [`--max_server_memory_usage=${memory}`, `--max_threads=${threads}`],
  });
  const front = createHttpFront({ session, username, password });
  const stop = () => {
    front.close(async () => {
      session.close();
      await drainPending();
      process.exit(0);
    });
    front.closeIdleConnections();
    // Connections that still have an answer to come close right behind it.
    front.keepAliveTimeout = 1;
  };
  process.once('SIGTERM', stop);
  process.once('disconnect', () => {
    stop();
    // Whoever comes after the parent waits for the folder. What was acknowledged is safe.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_LIMIT).unref();
  });
  // Ctrl-C reaches the whole group of processes; the parent decides when the ledger closes.
  process.on('SIGINT', () => {});
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  front.once('error', reject);
  front.listen(port, '127.0.0.1', resolve);
  await promise;
  const address = front.address();
  if (address === null || typeof address === 'string') throw new Error('The loopback door has no port');
  process.send?.({ type: 'ready', url: `http://127.0.0.1:${address.port}` } satisfies EmbeddedReply);
}
