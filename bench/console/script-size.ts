import { existsSync, globSync, statSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../admin/console/dist');

/** Bytes of all scripts of the built console as they are sent: brotli. @throws Error when it is not built */
export function scriptBytes(): number {
  if (!existsSync(join(ROOT, 'index.html')))
    throw new Error('the console is not built: run npm run build:console first');
  return globSync('assets/*.js.br', { cwd: ROOT }).reduce((sum, file) => sum + statSync(join(ROOT, file)).size, 0);
}
