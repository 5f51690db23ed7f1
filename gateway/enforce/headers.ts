import type { System } from '../domain/system.ts';

/** Meaningful for one connection alone (RFC 9110 section 7.6.1, and the older Proxy-* and Keep-Alive). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

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

/** Headers that an obligation may not touch, because the message's framing and destination hang on them. */
export function isReserved(header: string): boolean {
  return HOP_BY_HOP.includes(header) || header === 'host' || header === 'content-length';
}

const NOT_RETURNED = new Set([...HOP_BY_HOP, 'holdpoint-decision', 'holdpoint-verdict']);

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

/** The upstream's headers as the agent gets them: end-to-end ones, untouched. */
export function responseHeaders(raw: readonly string[]): string[] {
  const named = connectionNamed(raw);
  const headers: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (!NOT_RETURNED.has(name) && !named?.has(name)) headers.push(raw[i]!, raw[i + 1]!);
  }
  return headers;
}

/** Value of the first header with this lowercase name. */
export function headerValue(raw: readonly string[], name: string): string | null {
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) return raw[i + 1]!;
  }
  return null;
}

/** CGI and WSGI servers read x_api_key and X-Api-Key as the same variable (underscore smuggling). */
function dashed(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name;
}

/** Names that `Connection` declares to be hop-by-hop; null in the common case that there are none. */
function connectionNamed(raw: readonly string[]): Set<string> | null {
  let named: Set<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length !== 10 || raw[i]!.toLowerCase() !== 'connection') continue;
    const value = raw[i + 1]!;
    if (value === 'keep-alive' || value === 'close') continue;
    named ??= new Set();
    for (const name of value.split(',')) named.add(name.trim().toLowerCase());
  }
  return named;
}
