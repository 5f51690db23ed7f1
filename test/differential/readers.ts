import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../bench/child.ts';
import { toolEnvironment } from '../../gateway/config/config.ts';
import { pythonWith } from '../helpers/python.ts';

const run = promisify(execFile);
const FOLDER = join(import.meta.dirname, 'readers');
const PYTHON = ['flask==3.1.3', 'fastapi==0.165.0', 'uvicorn==0.54.0', 'python-multipart==0.0.34'];

/** What a server read, by how it read it: a value or a list of values for `amount`, and the segments of the path. */
export type Reads = {
  readonly amounts: Readonly<Record<string, unknown>>;
  readonly paths: Readonly<Record<string, readonly string[]>>;
};

/** A real server that answers each request with what it read in it. */
type ReaderKind = {
  readonly name: string;
  /** Says whether the machine has it, and how to install it if not. Without it, the reader comes with the tests. */
  readonly needs?: { readonly command: readonly [string, ...string[]]; readonly install: string };
  /** What an operator declares of it. */
  readonly path?: { readonly case: 'insensitive' };
  /** The command that serves on a port. */
  command(port: number): Promise<readonly [string, ...string[]]>;
};

export const READERS: readonly ReaderKind[] = [
  // Its router takes `/Admin` for `/admin`.
  { name: 'express', path: { case: 'insensitive' }, command: startExpress },
  { name: 'express, of which nothing is declared', command: startExpress },
  { name: 'go', command: async (port) => [await buildGo(), String(port)] },
  {
    name: 'flask',
    command: async (port) => [await pythonWith(PYTHON), join(FOLDER, 'flask_reader.py'), String(port)],
  },
  {
    name: 'fastapi',
    command: async (port) => [await pythonWith(PYTHON), join(FOLDER, 'starlette_reader.py'), String(port)],
  },
  {
    name: 'php',
    needs: { command: ['php', '--version'], install: 'Debian: php-cli' },
    command: async (port) => ['php', '-S', `127.0.0.1:${port}`, join(FOLDER, 'php.php')],
  },
  {
    name: 'rack',
    needs: { command: ['ruby', '-e', 'require "rack/handler/webrick"'], install: 'Debian: ruby-rack, ruby-webrick' },
    command: async (port) => ['ruby', join(FOLDER, 'rack.rb'), String(port)],
  },
];

async function startExpress(port: number): Promise<readonly [string, ...string[]]> {
  return [process.execPath, join(FOLDER, 'express.ts'), String(port)];
}

/** Whether this machine has what the reader needs. */
export async function isInstalled({ needs }: ReaderKind): Promise<boolean> {
  if (!needs) return true;
  const [command, ...args] = needs.command;
  return run(command, args).then(
    () => true,
    () => false,
  );
}

export type Reader = { readonly name: string; readonly url: string; close(): void };

/** Starts a reader. Resolves when it accepts connections. @throws Error when it ends instead */
export async function startReader(kind: ReaderKind): Promise<Reader> {
  const port = await freePort();
  const [command, ...args] = await kind.command(port);
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`the reader ${kind.name} ended: ${said}`);
    await setTimeout(50);
  }
  return { name: kind.name, url: `http://127.0.0.1:${port}`, close: () => child.kill('SIGKILL') };
}

/** Built once for each version of its source. */
async function buildGo(): Promise<string> {
  const source = join(FOLDER, 'go.go');
  const folder = join(toolEnvironment().cacheDir, 'readers');
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, `go-${createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)}`);
  await run('go', ['build', '-o', binary, source]);
  return binary;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}
