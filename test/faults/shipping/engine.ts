import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Sends the signal and waits until the process is gone. */
export async function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}
