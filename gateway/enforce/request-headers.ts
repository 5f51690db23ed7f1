import { connectionNamed, HOP_BY_HOP } from '../domain/headers.ts';
import type { System } from '../domain/system.ts';

/**
 * Never taken over from an agent's call: credentials (an agent's own token, and cookies, which would act under an
 * authority that policy cannot see), framing that the upstream connection sets anew, statements about the way here that
 * an agent could forge, another path than the judged one (IIS and Symfony follow it), and what was said to the gateway
 * alone.
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
 * The headers that go to a system, in the order in which the agent sent them, with the system's own credential in place
 * of the agent's. Computed once per system; the returned function is on the hot path.
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
