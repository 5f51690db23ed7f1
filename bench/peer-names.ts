/** Names by which scenarios choose peers and figures refer to them. */
export const DIRECT = 'direct upstream';
export const NGINX = 'nginx proxy_pass';
export const HTTP_PROXY = '@fastify/http-proxy';
export const NGINX_OPA = 'nginx auth_request + OPA';
export const CADDY_OPA = 'Caddy forward_auth + OPA';
export const AGENTGATEWAY = 'agentgateway + CEL';
export const HOLDPOINT = 'holdpoint';

/** For variations of another scenario, where what the others would show is known from that one. */
export const CLOSEST_PEERS: readonly string[] = [DIRECT, NGINX, AGENTGATEWAY, HOLDPOINT];
/** Where asking another server for a decision would add the same as it does to a small call. */
export const PLAIN_PEERS: readonly string[] = [DIRECT, NGINX, HTTP_PROXY, AGENTGATEWAY, HOLDPOINT];
/** Peers slow enough for the load to send half of their maximum at a constant rate. */
export const CONSTANT_RATE_PEERS: readonly string[] = [HTTP_PROXY, NGINX_OPA, CADDY_OPA, HOLDPOINT];
/** Those who can take 1,000 calls a second on one core, so that what they add is not a queue. */
export const UNHURRIED_PEERS: readonly string[] = [DIRECT, NGINX, HTTP_PROXY, NGINX_OPA, AGENTGATEWAY, HOLDPOINT];
