import { freePort, PEER_CORE } from '../child.ts';
import { nginxVersion, serveNginx } from '../nginx.ts';
import { NGINX } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';

export const nginx: Peer = {
  name: NGINX,
  version: nginxVersion,
  async start({ upstream, authority, folder }) {
    const port = await freePort();
    const base = `http://127.0.0.1:${port}/payments`;
    const template = new URL('nginx.conf', import.meta.url);
    // nginx compares names, but not addresses, with what a certificate says.
    const tls = authority
      ? `proxy_ssl_verify on; proxy_ssl_trusted_certificate ${authority}; proxy_ssl_name localhost; proxy_ssl_server_name on;`
      : '';
    const values = { port, upstream, tls, scheme: authority ? 'https' : 'http' };
    const { pid, stop } = await serveNginx(PEER_CORE, template, folder, values, { url: `${base}/` });
    return { base, pid, residents: () => [{ process: 'worker', mebibytes: residentMebibytes(pid) }], stop };
  },
};
