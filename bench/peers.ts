import { agentgateway } from './peers/agentgateway.ts';
import { caddyOpa } from './peers/caddy-opa.ts';
import { direct } from './peers/direct.ts';
import { holdpoint } from './peers/holdpoint.ts';
import { httpProxy } from './peers/http-proxy.ts';
import { nginxOpa } from './peers/nginx-opa.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer } from './plan.ts';

/** All of them, in the order in which they are shown. */
export const PEERS: readonly Peer[] = [direct, nginx, httpProxy, nginxOpa, caddyOpa, agentgateway, holdpoint];
