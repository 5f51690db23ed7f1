import { spawn, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** `@modelcontextprotocol/server-everything` as its makers ship it, which serves `/mcp`: sessions, and streams to take up again. */
export function spawnEverything(port: number): ChildProcess {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('@modelcontextprotocol/server-everything/package.json'));
  const env = { ...process.env, PORT: String(port) };
  return spawn(process.execPath, [join(folder, 'dist/index.js'), 'streamableHttp'], { env, stdio: 'ignore' });
}
