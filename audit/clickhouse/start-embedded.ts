import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedOrder, EmbeddedReply, QueryEndpointOrder } from './embedded.ts';

export type EmbeddedOptions = {
  /** The engine's data folder. One process at a time. */
  readonly path: string;
  /** Port and password of an earlier start, so that its clients can go on. Default: new ones. */
  readonly port?: number;
  readonly password?: string;
  /** Most bytes of memory for the engine; default 1 GiB. */
  readonly memory?: number;
  /** Most threads for one query; default 2. */
  readonly threads?: number;
  /** The query endpoint for analysts: where it listens (port 0: any) and who may query. Default: none. */
  readonly queryEndpoint?: QueryEndpointOrder;
  /** Ends an engine that is still starting; one that has started lives on. */
  readonly signal?: AbortSignal;
};

export type Embedded = {
  readonly url: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The port of the query endpoint. */
  readonly queryPort: number | null;
  /** Definitions of tables that a full disk had left unfinished, and that were removed. */
  readonly repaired: readonly string[];
  readonly child: ChildProcess;
};

/**
 * Each running query blocks a thread of libuv's pool. With the default of four, a few long queries would stop the inserts.
 */
const THREAD_POOL = '16';

/** The user of the engine's own endpoint. */
export const USERNAME = 'holdpoint';

export function createPassword(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * Starts the embedded ClickHouse as a child of this process and resolves once it answers. Ends with the parent, or by
 * SIGTERM, which lets running statements finish.
 * @throws when the engine cannot open the path, the port is taken, or `signal` aborts first.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { path, port = 0, password = createPassword() } = options;
  const { memory = 1024 ** 3, threads = 2, queryEndpoint = null, signal } = options;
  await mkdir(path, { recursive: true, mode: 0o700 });
  const child = fork(join(import.meta.dirname, 'embedded.ts'), [], {
    // Nothing else of the environment: it may hold the systems' credentials, and SQL can read it.
    env: { UV_THREADPOOL_SIZE: THREAD_POOL, TZ: 'UTC' },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  // Before it has threads, since threads inherit it: calls come before queries where cores are scarce.
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  const { promise, resolve, reject } = Promise.withResolvers<Extract<EmbeddedReply, { type: 'ready' }>>();
  const onExit = (code: number | null, signal: string | null) =>
    reject(new Error(`The embedded ClickHouse ended before it was ready (${signal ?? `exit code ${code}`})`));
  const onAbort = () => reject(new Error('The start of the embedded ClickHouse was cancelled'));
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  child.once('error', reject);
  child.once('exit', onExit);
  child.once('message', (reply: EmbeddedReply) => {
    if (reply.type === 'ready') resolve(reply);
    else reject(new Error(`The embedded ClickHouse cannot open ${path}: ${reply.reason}`));
  });
  child.send({ path, port, username: USERNAME, password, memory, threads, queryEndpoint } satisfies EmbeddedOrder);
  try {
    const { url, queryPort, repaired } = await promise;
    return { url, queryPort, repaired, port: Number(new URL(url).port), username: USERNAME, password, child };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    child.off('error', reject);
    child.off('exit', onExit);
  }
}
