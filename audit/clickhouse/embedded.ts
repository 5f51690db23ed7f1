/**
 * The child process of the embedded ClickHouse: chDB with an endpoint on loopback that speaks ClickHouse's HTTP protocol
 * and, where configured, the query endpoint for analysts. Started by `startEmbedded` with an IPC channel; ends with its
 * parent.
 *
 * It is a process because chDB crashes when its worker thread ends, and because its long queries occupy the thread pool
 * that the journal's fdatasync needs.
 */
import type { Server } from 'node:http';
import { join, resolve } from 'node:path';
import { drainPending, Session } from 'chdb';
import type { Analyst } from '../analysts/analysts.ts';
import { readCatalogue } from '../analysts/catalogue.ts';
import { createQueryEndpoint } from '../analysts/query-endpoint.ts';
import type { QueryLimits } from '../analysts/settings.ts';
import { createEngineEndpoint } from './engine-endpoint.ts';
import { repairDefinitions } from './repair.ts';
import { openSpool } from './spool.ts';

/** The parent's first message. It carries the password because other processes can read an environment. */
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
  /** The query endpoint for analysts; null for none. */
  readonly queryEndpoint: QueryEndpointOrder | null;
};

/** Where the query endpoint listens, and who may query. */
export type QueryEndpointOrder = {
  readonly host: string;
  readonly port: number;
  readonly analysts: readonly Analyst[];
};

/** A later message of the parent: who may query from now on. */
export type AnalystsOrder = { readonly analysts: readonly Analyst[] };

export type EmbeddedReply =
  | {
      readonly type: 'ready';
      readonly url: string;
      readonly queryPort: number | null;
      /** Definitions that a full disk had left unfinished, and that were removed. */
      readonly repaired: readonly string[];
    }
  | { readonly type: 'failed'; readonly reason: string };

/** Milliseconds for running statements to end once the parent is gone. */
const ORPHAN_LIMIT = 2_000;
/** Milliseconds for running queries to end after SIGTERM. */
const STOP_LIMIT = 5_000;
/** Analysts' queries that run at once. Together they get half of the memory; the writer has the other half. */
const CONCURRENCY = 3;
/** What `migrate` makes last. */
const LAST_VIEW = 'minutes';

process.once('message', (order: EmbeddedOrder) => {
  open(order).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    process.send?.({ type: 'failed', reason } satisfies EmbeddedReply, () => process.exit(1));
  });
});

async function open({ path, port, username, password, memory, threads, queryEndpoint }: EmbeddedOrder): Promise<void> {
  // By default the engine takes one thread for each GiB that it may use: every query would have one.
  const parallel = [`--max_threads=${threads}`, '--max_threads_min_free_memory_per_thread=0'];
  const connect = () => new Session(path, { connectionArgs: parallel });
  const repaired = await repairDefinitions(resolve(path));
  // The engine lives as long as it has a connection.
  const keeper = new Session(path, { connectionArgs: [`--max_server_memory_usage=${memory}`] });
  const catalogue = await readCatalogue(keeper);
  // Only now is no other process using the folder.
  const spool = await openSpool(join(resolve(path), 'spool'));
  const engine = createEngineEndpoint({ connect, version: catalogue.version, username, password, spool });
  const limits = limitsOf(memory, threads);
  let known = queryEndpoint?.analysts ?? [];
  process.on('message', (order: AnalystsOrder) => (known = order.analysts));
  const analysts =
    queryEndpoint &&
    createQueryEndpoint({
      analysts: () => known,
      catalogue,
      connect,
      limits,
      concurrency: CONCURRENCY,
      isReady: createReadiness(keeper),
    });
  const stop = async () => {
    const closed = [engine, ...(analysts ? [analysts] : [])].map(close);
    // Analysts can repeat their queries, which end with their connections.
    analysts?.closeAllConnections();
    await Promise.all(closed);
    // Acknowledged rows are safe, however this ends.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_LIMIT).unref();
    await drainPending();
    keeper.close();
    await drainPending();
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('disconnect', () => {
    void stop();
    // The parent's successor waits for the folder. Acknowledged rows are safe.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), ORPHAN_LIMIT).unref();
  });
  // Ctrl-C, and a terminal that closes, reach the whole process group; the parent decides what they mean.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
  const queryPort = queryEndpoint && analysts ? await listen(analysts, queryEndpoint) : null;
  const url = `http://127.0.0.1:${await listen(engine, { host: '127.0.0.1', port })}`;
  process.send?.({ type: 'ready', url, queryPort, repaired } satisfies EmbeddedReply);
}

/** Whether the first start has made all tables. Once they are there, they stay. */
function createReadiness(connection: Session): () => Promise<boolean> {
  let ready = false;
  const asked = `SELECT count() FROM system.tables WHERE database = 'holdpoint' AND name = '${LAST_VIEW}'`;
  return async () => {
    if (ready) return true;
    const answer = await connection.queryAsync(asked, { format: 'TabSeparated' });
    ready = Buffer.from(answer.bytes()).toString().trim() === '1';
    return ready;
  };
}

/** The limits of one analyst's query. */
function limitsOf(memory: number, threads: number): QueryLimits {
  return {
    max_execution_time: 60,
    max_memory_usage: Math.floor(memory / 2 / CONCURRENCY),
    // The writer comes first.
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
  if (bound === null || typeof bound === 'string') throw new Error('The endpoint has no port');
  return bound.port;
}

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  // A connection that is still being answered closes right after its answer.
  server.keepAliveTimeout = 1;
  return promise;
}
