// Header lists are flat: alternating names and values, like `IncomingMessage.rawHeaders`.

/** Headers of a single connection (RFC 9110 section 7.6.1, and the older Proxy-* and Keep-Alive). */
export const HOP_BY_HOP = [
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
 * What the gateway adds to `Via` (RFC 9110 section 7.6.3). The pseudonym is the same for all gateways, so it names no
 * host.
 */
export const VIA = '1.1 holdpoint';

/** How many gateways a `Via` names. */
export function gatewaysIn(via: string): number {
  return via.split(/(?:^|[\s,])holdpoint(?=[\s,]|$)/).length - 1;
}

/** Headers that an obligation must not set, because they determine the message's framing and destination. */
export function isReserved(header: string): boolean {
  return HOP_BY_HOP.includes(header) || header === 'host' || header === 'content-length';
}

/** Value of the first header of this name. @param name lowercase */
export function headerValue(raw: readonly string[], name: string): string | null {
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) return raw[i + 1]!;
  }
  return null;
}

/** The headers without those whose name, in lower case, leaves. */
export function withoutHeaders(raw: readonly string[], leaves: (name: string) => boolean): string[] {
  return raw.filter((_, i) => !leaves(raw[i - (i % 2)]!.toLowerCase()));
}

const EVENTS = /^text\/event-stream\s*(?:;|$)/i;

/** Whether a Content-Type is that of server-sent events. */
export function isEventStream(contentType: string | null): boolean {
  return contentType !== null && EVENTS.test(contentType);
}

/** Header names that `Connection` declares hop-by-hop; null in the common case of none. */
export function connectionNamed(raw: readonly string[]): Set<string> | null {
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
