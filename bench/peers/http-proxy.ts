import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, PEER_CORE, serve } from '../child.ts';
import { HTTP_PROXY } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';

export const httpProxy: Peer = {
  name: HTTP_PROXY,
  version: () => {
    const lock = new URL('../../package-lock.json', import.meta.url);
    const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as { packages: Record<string, { version: string }> };
    return packages['node_modules/@fastify/http-proxy']?.version ?? null;
  },
  async start({ upstream, authority }) {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}/payments`;
    const program = fileURLToPath(new URL('http-proxy-server.ts', import.meta.url));
    const { pid, stop } = await serve(
      PEER_CORE,
      process.execPath,
      [program, String(port), `${authority ? 'https' : 'http'}://${upstream}`],
      { url: `${base}/` },
      { env: authority ? { NODE_EXTRA_CA_CERTS: authority } : {} },
    );
    return { base, pid, residents: () => [{ process: 'server', mebibytes: residentMebibytes(pid) }], stop };
  },
};
