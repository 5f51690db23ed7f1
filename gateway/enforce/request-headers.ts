import { connectionNamed, HOP_BY_HOP } from '../domain/headers.ts';
import type { System } from '../domain/system.ts';

/**
 * Headers that never go from an agent's call to the upstream:
 * - credentials: the agent's token, and cookies, which carry an authority that policy cannot see
 * - framing, which the upstream connection sets anew
 * - forwarding headers, which an agent could forge
 * - path overrides, which IIS and Symfony follow instead of the judged path
 * - headers meant for the gateway
 */
const NOT_FORWARDED = [
  ...HOP_BY_HOP,
  'authorization',
  'cookie',
  'host',
  'content-length',
  'expect',
  'agent-context',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
  'holdpoint-decision',
  'holdpoint-verdict',
];

/**
 * The headers for an upstream, in the order in which the agent sent them. The system's own credential replaces the
 * agent's. The set of dropped names is computed once per system.
 */
export function createRequestHeaders(system: System): (raw: readonly string[]) => string[] {
  const { agentCredential, credential } = system;
  const secret = [agentCredential.header, ...(credential ? [credential.header] : [])];
  const dropped = new Set([...NOT_FORWARDED, ...secret].map(dashed));

  return (raw) => {
    const named = connectionNamed(raw);
    const headers: string[] = [];
    for (let i = 0; i < raw.length; i += 2) {
      const name = raw[i]!.toLowerCase();
      if (dropped.has(dashed(name)) || named?.has(name)) continue;
      headers.push(name, raw[i + 1]!);
    }
    if (credential) headers.push(credential.header, credential.value);
    return headers;
  };
}

/** CGI and WSGI servers read x_api_key and X-Api-Key as the same variable (underscore smuggling). */
function dashed(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}
