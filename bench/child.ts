import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** Load and upstream on one core, the peer on the other, so that the peer alone is what runs out. */
export const LOAD_CORE = 0;
export const PEER_CORE = 1;

/** First line that `command` prints about itself, or null when it is not installed. */
export function versionOf(command: string, ...args: readonly string[]): string | null {
  try {
    return (
      execFileSync('sh', ['-c', '"$0" "$@" 2>&1 || true', command, ...args], { encoding: 'utf8' })
        .split('\n')[0]!
        .replace(/.*not found.*/, '') || null
    );
  } catch {
    return null;
  }
}

/** Whether processes can be kept on a core of their own here. */
export const canPin = availableParallelism() > 1 && versionOf('taskset', '--version') !== null;

/** Moves a running process, with all its threads, to a core. */
export function pin(pid: number, core: number): void {
  if (canPin) execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)]);
}

function pinned(core: number, command: string, args: readonly string[]): [string, string[]] {
  return canPin ? ['taskset', ['--cpu-list', String(core), command, ...args]] : [command, [...args]];
}

/** Runs a command on a core to its end and gives what it printed. @throws with its complaint when it fails. */
export async function run(core: number, command: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(...pinned(core, command, args), { stdio: ['pipe', 'pipe', 'pipe'] });
  // A child that does not read its input may have closed it.
  child.stdin.on('error', () => {}).end(input);
  let [printed, complaint] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${complaint.slice(-2000)}`);
  return printed;
}

const running = new Set<ChildProcess>();
// A reader such as `head` closes the output early; this program must still stop what it started.
process.once('exit', () => running.forEach((child) => child.kill()));

export type Server = { readonly pid: number; stop(): Promise<void> };

/**
 * Starts a server on a core and waits until `GET url` answers 2xx there.
 * @param env is added to the environment
 * @param log a file for what it prints: one that says much would otherwise keep this process busy
 * @throws with the end of what it printed when it ends first or is not ready within a minute.
 */
export async function serve(
  core: number,
  command: string,
  args: readonly string[],
  ready: { readonly url: string; readonly headers?: Readonly<Record<string, string>> },
  { env = {}, log = null }: { readonly env?: Readonly<Record<string, string>>; readonly log?: string | null } = {},
): Promise<Server> {
  const child = spawn(...pinned(core, command, args), {
    stdio: ['ignore', log === null ? 'pipe' : openSync(log, 'a'), 'pipe'],
    env: { ...process.env, ...env },
  });
  running.add(child);
  let printed = '';
  const keep = (chunk: Buffer): void => void (printed = (printed + chunk.toString()).slice(-4000));
  child.stdout?.on('data', keep);
  child.stderr!.on('data', keep);
  const closed = once(child, 'close').finally(() => running.delete(child));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  for (let tries = 0; child.exitCode === null && tries < 1200; tries += 1) {
    const answer = await fetch(ready.url, { headers: { ...ready.headers } }).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return { pid: child.pid!, stop };
    await pause(50);
  }
  if (child.exitCode === null) await stop();
  throw new Error(`${command} ${args.join(' ')} was not ready: ${printed}`);
}

/** A free port on 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await once(server.close(), 'close');
  return port;
}
