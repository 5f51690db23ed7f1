import { AGENTGATEWAY, PLAIN_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { postJson } from './post-json.ts';

/** As real systems are reached: over TLS, with a certificate that is checked, on connections that are kept. */
export const postToTls = {
  ...postJson,
  name: 'small JSON POST, TLS to the upstream',
  upstream: 'tls',
  // The configuration of agentgateway here has no TLS.
  peers: PLAIN_PEERS.filter((name) => name !== AGENTGATEWAY),
} as const satisfies Scenario;
