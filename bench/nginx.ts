import { join } from 'node:path';
import { serve, versionOf } from './child.ts';
import type { Server } from './child.ts';
import { writeConfigFile } from './config-file.ts';
import { descendants } from './proc.ts';

export function nginxVersion(): string | null {
  return versionOf('nginx', '-v')?.replace('nginx version: ', '') ?? null;
}

/** Starts nginx from a configuration of ours and waits until `ready` is answered; `pid` is the one worker's. */
export async function serveNginx(
  core: number,
  template: URL,
  folder: string,
  values: Readonly<Record<string, string | number>>,
  ready: Parameters<typeof serve>[3],
): Promise<Server> {
  const file = writeConfigFile(template, folder, values);
  const master = await serve(core, 'nginx', ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], ready);
  return { pid: descendants(master.pid).at(-1) ?? master.pid, stop: master.stop };
}
