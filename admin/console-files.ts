import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendProblem } from './api/error-handler.ts';
import { AdminProblem } from './api/problems.ts';

const INDEX = 'index.html';

/** Where `npm run build:console` puts the console. */
export const CONSOLE_FILES = join(import.meta.dirname, 'console', 'dist');

/** What may be on a page: files of the console itself and what it made. Nothing inline, and nothing from elsewhere. */
export const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:', 'blob:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'none'"],
};

/** Addresses that belong to programs: what is not there is a problem, and never a page. */
const FOR_PROGRAMS = /^\/(?:api|-|metrics|assets)(?:[/?]|$)/;

/** Whether `npm run build:console` has been run. */
export function isConsoleBuilt(folder: string): boolean {
  return existsSync(join(folder, INDEX));
}

/**
 * Serves the console: the files in `folder`, and its page at every other address that a browser opens, because the
 * addresses in the console are its own (`/holds/<id>`). Files under `/assets/` have a hash in their name. Files are looked
 * up at each request, so a build counts at once.
 */
export async function serveConsole(app: FastifyInstance, folder: string): Promise<void> {
  app.setNotFoundHandler(async (request, reply) => {
    if (!isPage(request)) return await sendProblem(reply, new AdminProblem('not-found'));
    if (isConsoleBuilt(folder)) return await reply.sendFile(INDEX);
    return await reply.code(503).type('text/html; charset=utf-8').send(NOT_BUILT);
  });
  await app.register(fastifyStatic, {
    root: folder,
    index: INDEX,
    dotfiles: 'ignore',
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      if (path.startsWith(join(folder, 'assets'))) reply.header('cache-control', 'public, max-age=31536000, immutable');
    },
  });
}

function isPage({ method, url, headers: { accept = '*/*' } }: FastifyRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && !FOR_PROGRAMS.test(url) && /text\/html|\*\/\*/.test(accept);
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Holdpoint</title>
<h1>The console is not built</h1>
<p>Run <code>npm run build:console</code> in the folder of Holdpoint, then reload this page.</p>
<p>Until then, <code>npx holdpoint holds</code> and the API at <code>/api</code> work.</p>
</html>
`;
