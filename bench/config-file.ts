import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Writes a committed configuration file into a folder, each `@name@` in it replaced, and gives its path. */
export function writeConfigFile(
  template: URL,
  folder: string,
  values: Readonly<Record<string, string | number>>,
): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, basename(template.pathname));
  writeFileSync(
    file,
    readFileSync(template, 'utf8').replace(/@([a-z]+)@/g, (_, name: string) => String(values[name])),
  );
  return file;
}
