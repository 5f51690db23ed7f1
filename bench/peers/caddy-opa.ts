import { PEER_CORE, serve, versionOf } from '../child.ts';
import { writeConfigFile } from '../config-file.ts';
import { CADDY_OPA } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { opaVersion, startBesideOpa } from './opa-server.ts';

const TEMPLATE = new URL('caddy-opa.Caddyfile', import.meta.url);

/** Asks an OPA server, on the same core, before each call. */
export const caddyOpa: Peer = {
  name: CADDY_OPA,
  async version() {
    const [caddy, opa] = [versionOf('caddy', 'version')?.split(' ')[0], await opaVersion()];
    return caddy && opa ? `${caddy}, ${opa}` : null;
  },
  start: (setting) =>
    startBesideOpa(setting, { name: 'caddy', byHeaders: true }, (opa, port, ready) => {
      const { folder, upstream } = setting;
      const file = writeConfigFile(TEMPLATE, folder, { port, upstream, opa, folder });
      return serve(PEER_CORE, 'caddy', ['run', '--config', file, '--adapter', 'caddyfile'], ready);
    }),
};
