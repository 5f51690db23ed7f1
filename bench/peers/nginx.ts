import { freePort, PEER_CORE } from '../child.ts';
import { nginxVersion, serveNginx } from '../nginx.ts';
import type { Peer } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';

export const nginx: Peer = {
  name: 'nginx proxy_pass',
  version: nginxVersion,
  async start({ upstream, folder }) {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}/payments`;
    const template = new URL('nginx.conf', import.meta.url);
    const { pid, stop } = await serveNginx(PEER_CORE, template, folder, { port, upstream }, `${base}/`);
    return { base, pid, residents: () => [{ process: 'worker', mebibytes: residentMebibytes(pid) }], stop };
  },
};
