import { basename } from 'node:path';
import { commandLine, descendants } from './proc.ts';

export type Role = 'supervisor' | 'control' | 'worker' | 'ClickHouse';

/** The role of a process of Holdpoint; null for other processes, such as an `opa` that it runs. */
export function roleOf(pid: number): Role | null {
  const files = new Set(commandLine(pid).map((part) => basename(part)));
  if (files.has('main.ts')) return 'supervisor';
  if (files.has('control.ts')) return 'control';
  if (files.has('worker.ts')) return 'worker';
  return files.has('embedded.ts') ? 'ClickHouse' : null;
}

/** The one worker of a gateway. @throws Error when none of its processes is one */
export function workerOf(supervisor: number): number {
  const worker = descendants(supervisor).find((pid) => roleOf(pid) === 'worker');
  if (worker === undefined) throw new Error('the gateway runs, but none of its processes is a worker');
  return worker;
}
