import { fileURLToPath } from 'node:url';
import { freePort, LOAD_CORE, serve } from '../child.ts';
import type { Server } from '../child.ts';

/** The server of events, on the load's core. */
export async function startEvents(): Promise<Server & { readonly address: string }> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const program = fileURLToPath(new URL('server.ts', import.meta.url));
  const server = await serve(LOAD_CORE, process.execPath, [program, String(port)], { url: `http://${address}/` });
  return { ...server, address };
}
