import { PEER_CORE } from '../child.ts';
import { nginxVersion, serveNginx } from '../nginx.ts';
import { NGINX_OPA } from '../peer-names.ts';
import type { Peer } from '../plan.ts';
import { opaVersion, startBesideOpa } from './opa-server.ts';

const TEMPLATE = new URL('nginx-opa.conf', import.meta.url);

/** Asks an OPA server, on the same core, before each call. */
export const nginxOpa: Peer = {
  name: NGINX_OPA,
  async version() {
    const [nginx, opa] = [nginxVersion(), await opaVersion()];
    return nginx && opa && `${nginx}, ${opa}`;
  },
  start: (setting) =>
    startBesideOpa(setting, { name: 'nginx worker', byHeaders: false }, (opa, port, ready) =>
      serveNginx(PEER_CORE, TEMPLATE, setting.folder, { port, upstream: setting.upstream, opa }, ready),
    ),
};
