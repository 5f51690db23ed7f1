import { freePort, PEER_CORE } from '../child.ts';
import { nginxVersion, serveNginx } from '../nginx.ts';
import { NGINX_OPA } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';
import { opaVersion, serveOpa } from './opa-server.ts';

/** Asks an OPA server, on the same core, before each call. */
export const nginxOpa: Peer = {
  name: NGINX_OPA,
  async version() {
    const [nginx, opa] = [nginxVersion(), await opaVersion()];
    return nginx && opa && `${nginx}, ${opa}`;
  },
  async start({ upstream, token, folder }) {
    const opa = await serveOpa(folder, token, { byHeaders: false });
    try {
      const port = await freePort();
      const base = `http://127.0.0.1:${port}/payments`;
      const template = new URL('nginx-opa.conf', import.meta.url);
      const values = { port, upstream, opa: opa.address };
      const ready = { url: `${base}/v1/customers`, headers: { authorization: `Bearer ${token}` } };
      const nginx = await serveNginx(PEER_CORE, template, folder, values, ready);
      return {
        base,
        pid: nginx.pid,
        helpers: [opa.pid],
        residents: () => [
          { process: 'nginx worker', mebibytes: residentMebibytes(nginx.pid) },
          { process: 'opa', mebibytes: residentMebibytes(opa.pid) },
        ],
        stop: async () => void (await Promise.all([nginx.stop(), opa.stop()])),
      };
    } catch (reason) {
      await opa.stop();
      throw reason;
    }
  },
};
