/**
 * The entry of the child process that is the embedded ClickHouse: chDB behind a loopback door that speaks ClickHouse's
 * HTTP protocol, and, where one is wanted, the analysts' door beside it. Started by `startEmbedded` with an IPC channel;
 * lives no longer than its parent.
 *
 * A process of its own because chDB crashes a worker thread at its end, and because its long queries occupy the thread
 * pool that the journal's fdatasync needs.
 */
import type { Server } from 'node:http';
import { join, resolve } from 'node:path';
import { drainPending, Session } from 'chdb';
import type { Analyst } from '../analysts/analysts.ts';
import { readCatalogue } from '../analysts/catalogue.ts';
import { createDoor } from '../analysts/query-endpoint.ts';
import type { QueryLimits } from '../analysts/settings.ts';
import { createHttpFront } from './engine-endpoint.ts';
import { openSpool } from './spool.ts';

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
  /** The analysts' door; null: there is none. */
  readonly door: DoorOrder | null;
};

/** Where the analysts' door listens, and who may come in. */
export type DoorOrder = { readonly host: string; readonly port: number; readonly analysts: readonly Analyst[] };

export type EmbeddedReply =
  | { readonly type: 'ready'; readonly url: string; readonly doorPort: number | null }
  | { readonly type: 'failed'; readonly reason: string };

/** Milliseconds that running statements have to end once the parent is gone. */
const ORPHAN_LIMIT = 2_000;
/** Milliseconds that queries have to end which nobody waits for any more. */
const STOP_LIMIT = 5_000;
/** Analysts' queries that run at once. Together they get at most half of the memory; the other half is the writer's. */
const PLACES = 3;

process.once('message', (order: EmbeddedOrder) => {
  open(order).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.send?.({ type: 'failed', reason } satisfies EmbeddedReply, () => process.exit(1));
  });
});

async function open({ path, port, username, password, memory, threads, door }: EmbeddedOrder): Promise<void> {
  // Unless told otherwise the engine takes one thread for each GiB that it may use: then every question has one.
  const parallel = [`--max_threads=${threads}`, '--max_threads_min_free_memory_per_thread=0'];
  const connect = () => new Session(path, { connectionArgs: parallel });
  // The engine lives as long as somebody is connected.
  const keeper = new Session(path, { connectionArgs: [`--max_server_memory_usage=${memory}`] });
  const catalogue = await readCatalogue(keeper);
  // Now that nobody else has the folder.
  const spool = await openSpool(join(resolve(path), 'spool'));
  const front = createHttpFront({ connect, version: catalogue.version, username, password, spool });
  const limits = limitsOf(memory, threads);
  const analysts = door && createDoor({ ...door, catalogue, connect, limits, places: PLACES });
  const stop = async () => {
    const closed = [front, ...(analysts ? [analysts] : [])].map(close);
    // What analysts ask can be asked again: their queries end with their connections.
    analysts?.closeAllConnections();
    await Promise.all(closed);
    // What was acknowledged is safe, however this ends.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_LIMIT).unref();
    await drainPending();
    keeper.close();
    await drainPending();
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('disconnect', () => {
    void stop();
    // Whoever comes after the parent waits for the folder. What was acknowledged is safe.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_LIMIT).unref();
  });
  // Ctrl-C reaches the whole group of processes; the parent decides when the ledger closes.
  process.on('SIGINT', () => {});
  const doorPort = door && analysts ? await listen(analysts, door) : null;
  const url = `http://127.0.0.1:${await listen(front, { host: '127.0.0.1', port })}`;
  process.send?.({ type: 'ready', url, doorPort } satisfies EmbeddedReply);
}

/** What one analyst's query may use. */
function limitsOf(memory: number, threads: number): QueryLimits {
  return {
    max_execution_time: 60,
    max_memory_usage: Math.floor(memory / 2 / PLACES),
    // Cores are the writer's first.
    max_threads: Math.max(1, Math.floor(threads / 2)),
    max_result_rows: 1_000_000,
    max_result_bytes: 128 * 1024 * 1024,
    max_temporary_data_on_disk_size_for_query: 1024 ** 3,
  };
}

async function listen(server: Server, address: { readonly host: string; readonly port: number }): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(address, resolve);
  await promise;
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('A door has no port');
  return bound.port;
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  // Connections that still have an answer to come close right behind it.
  server.keepAliveTimeout = 1;
  return promise;
}
