import { readdirSync, readFileSync } from 'node:fs';

/** Memory of a process in megabytes (10⁶ bytes). */
export type ProcessMemory = {
  readonly resident: number;
  /** Its own; the rest are pages of files, such as the program of Node, which processes share. */
  readonly own: number;
};

/** @throws where there is no /proc, or the process is gone */
export function readMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string): number => {
    const kibibytes = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`the system does not say the ${name} of a process`);
    return (Number(kibibytes) * 1024) / 1e6;
  };
  return { resident: megabytes('VmRSS'), own: megabytes('RssAnon') };
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
