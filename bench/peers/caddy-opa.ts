import { freePort, PEER_CORE, serve, versionOf } from '../child.ts';
import { writeConfigFile } from '../config-file.ts';
import { CADDY_OPA } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { residentMebibytes } from '../proc.ts';
import { opaVersion, serveOpa } from './opa-server.ts';

/** Asks an OPA server, on the same core, before each call. */
export const caddyOpa: Peer = {
  name: CADDY_OPA,
  async version() {
    const [caddy, opa] = [versionOf('caddy', 'version')?.split(' ')[0], await opaVersion()];
    return caddy && opa ? `${caddy}, ${opa}` : null;
  },
  async start({ upstream, token, folder }) {
    const opa = await serveOpa(folder, token, { byHeaders: true });
    try {
      const port = await freePort();
      const base = `http://127.0.0.1:${port}/payments`;
      const template = new URL('caddy-opa.Caddyfile', import.meta.url);
      const file = writeConfigFile(template, folder, { port, upstream, opa: opa.address, folder });
      const ready = { url: `${base}/v1/customers`, headers: { authorization: `Bearer ${token}` } };
      const args = ['run', '--config', file, '--adapter', 'caddyfile'];
      const caddy = await serve(PEER_CORE, 'caddy', args, ready);
      return {
        base,
        pid: caddy.pid,
        helpers: [opa.pid],
        residents: () => [
          { process: 'caddy', mebibytes: residentMebibytes(caddy.pid) },
          { process: 'opa', mebibytes: residentMebibytes(opa.pid) },
        ],
        stop: async () => void (await Promise.all([caddy.stop(), opa.stop()])),
      };
    } catch (reason) {
      await opa.stop();
      throw reason;
    }
  },
};
