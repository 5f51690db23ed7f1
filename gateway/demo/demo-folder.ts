import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Marks a folder as a demo's; its content is the id of the process that runs there. No folder without it is removed.
 */
const MARK = 'demo.pid';

type DemoFolder = {
  readonly path: string;
  /** Lets a later demo replace the folder; until then its content stays. */
  release(): void;
};

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the folder is absent, empty, or left by a demo that has ended. Any other folder is not touched. */
function isOurs(path: string): boolean {
  if (!existsSync(path)) return true;
  if (!existsSync(join(path, MARK))) return readdirSync(path).length === 0;
  const pid = Number(readFileSync(join(path, MARK), 'utf8'));
  return pid === 0 || !isRunning(pid);
}

/**
 * Makes a fresh folder at `path`, or next to it (`<path>-2`, …) if `path` is in use or not a demo's, and copies the
 * policies into it. File names below `policies` stay the same, so a compiled bundle still matches them.
 *
 * @throws the file system's error, such as EACCES
 */
export function createDemoFolder(path: string, policies: string): DemoFolder {
  let free = path;
  for (let n = 2; !isOurs(free); n += 1) free = `${path}-${n}`;
  rmSync(free, { recursive: true, force: true });
  mkdirSync(free, { recursive: true, mode: 0o700 });
  writeFileSync(join(free, MARK), String(process.pid));
  cpSync(policies, join(free, 'policies'), { recursive: true, filter: (source) => !source.endsWith('.ts') });
  return { path: free, release: () => writeFileSync(join(free, MARK), '') };
}
