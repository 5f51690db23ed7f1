import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolEnvironment } from '../../gateway/config/config.ts';

const run = promisify(execFile);

/**
 * A Python that has these packages, such as `clickhouse-connect==1.12.0`. Installed once for each list of packages,
 * from the index that pip is set up for.
 * @throws Error that names what is missing, if there is no python3 or the packages cannot be installed
 */
export async function pythonWith(packages: readonly string[]): Promise<string> {
  const { cacheDir } = toolEnvironment();
  const name = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 16);
  const folder = join(cacheDir, 'python', name);
  const python = join(folder, 'bin', 'python');
  if (await exists(python)) return python;
  await mkdir(join(cacheDir, 'python'), { recursive: true });
  const half = await mkdtemp(`${folder}-`);
  try {
    await run('python3', ['-m', 'venv', half]);
    await run(join(half, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--no-input', ...packages]);
    // Atomic: two test runs may do this at once, and one may be interrupted.
    await rename(half, folder).catch(async (error: unknown) => {
      if (!(await exists(python))) throw error;
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`This test needs python3 with venv, and ${packages.join(', ')} from PyPI: ${reason}`, {
      cause: error,
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return python;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
