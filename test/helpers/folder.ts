import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type TempFolder = { readonly path: string; remove(): void };

export function tempFolder(): TempFolder {
  const path = mkdtempSync(join(tmpdir(), 'holdpoint-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** A temporary folder with these files, by relative path. */
export function writeFiles(files: Readonly<Record<string, string>>): TempFolder {
  const folder = tempFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return folder;
}
