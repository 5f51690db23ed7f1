import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Reply, Request } from './postgres-process.ts';

export type PostgresServer = {
  /** For its superuser and the database `postgres`. */
  readonly url: string;
  /** Ends the server as a restart of the machine would. Committed data is still there after `start`. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
};

/** A real PostgreSQL on a free port with its data in a temporary folder, run by a child process. */
export async function startPostgres(flags: readonly string[] = ['-c', 'fsync=off']): Promise<PostgresServer> {
  const child = fork(join(import.meta.dirname, 'postgres-process.ts'), flags, {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  /** The next reply. A server's requests run one after another. */
  async function reply(): Promise<string | null> {
    const ended = exited.then(([code]) => [{ failed: `its process ended with ${String(code)}` }]);
    const [said] = (await Promise.race([once(child, 'message'), ended])) as [Reply];
    if ('failed' in said) throw new Error(`PostgreSQL: ${said.failed}`);
    return said.url;
  }
  async function ask(request: Request): Promise<void> {
    const replied = reply();
    child.send(request);
    await replied;
  }
  const url = await reply();
  return {
    url: url!,
    halt: () => ask('halt'),
    start: () => ask('start'),
    async stop() {
      await ask('stop');
      child.disconnect();
      await exited;
    },
  };
}
