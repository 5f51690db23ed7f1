import { fileURLToPath } from 'node:url';
import { freePort, LOAD_CORE, serve } from './child.ts';
import type { Server } from './child.ts';
import { nginxVersion, serveNginx } from './nginx.ts';

export type Upstream = Server & { readonly address: string; readonly version: string };

/** The fastest fixed-answer server that is installed; every peer stands before this same one. */
export async function startUpstream(folder: string): Promise<Upstream> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const url = `http://${address}/`;
  const nginx = nginxVersion();
  const server = nginx
    ? await serveNginx(LOAD_CORE, new URL('upstream.nginx.conf', import.meta.url), folder, { port }, url)
    : await serve(
        LOAD_CORE,
        process.execPath,
        [fileURLToPath(new URL('upstream-server.ts', import.meta.url)), String(port)],
        { url },
      );
  return { ...server, address, version: nginx ?? `node ${process.version}` };
}
