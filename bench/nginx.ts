import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve, versionOf } from './child.ts';
import type { Server } from './child.ts';
import { descendants } from './proc.ts';

export function nginxVersion(): string | null {
  return versionOf('nginx', '-v')?.replace('nginx version: ', '') ?? null;
}

/** Starts nginx from a template of ours, `@name@` in it replaced; `pid` is the one worker's. */
export async function serveNginx(
  core: number,
  template: URL,
  folder: string,
  values: Readonly<Record<string, string | number>>,
  ready: string,
): Promise<Server> {
  mkdirSync(folder, { recursive: true });
  const filled = readFileSync(template, 'utf8').replace(/@([a-z]+)@/g, (_, name: string) => String(values[name]));
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, filled);
  const master = await serve(core, 'nginx', ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], {
    url: ready,
  });
  return { pid: descendants(master.pid).at(-1) ?? master.pid, stop: master.stop };
}
