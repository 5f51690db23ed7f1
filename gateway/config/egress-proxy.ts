import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

const EXPECTED =
  'expected an http or https URL without path, such as http://egress.example.com:3128 or http://user:password@egress.example.com:3128';

export const proxyUrl = z
  .string()
  .transform((text, ctx) => {
    const url = readProxy(text);
    if (url) return url;
    ctx.issues.push({ code: 'custom', message: EXPECTED, input: null });
    return z.NEVER;
  })
  .meta({ title: 'URL' });

/**
 * The proxy that the environment names for an upstream: `HTTPS_PROXY`, for https, unless `NO_PROXY` lists the host.
 * @param report gets what is wrong with the variables
 */
export function proxyOfEnvironment(
  upstream: URL,
  env: NodeJS.ProcessEnv,
  report: (message: string) => void,
): URL | undefined {
  const text = env['HTTPS_PROXY'] || env['https_proxy'];
  if (!text || upstream.protocol !== 'https:' || isExempt(upstream, env['NO_PROXY'] || env['no_proxy'] || '')) {
    return undefined;
  }
  // curl and others also take the proxy without a scheme.
  const url = readProxy(text.includes('://') ? text : `http://${text}`);
  if (!url) report(`the environment variable HTTPS_PROXY: ${EXPECTED}`);
  return url ?? undefined;
}

function readProxy(text: string): URL | null {
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol) && url.hostname && url.pathname === '/' && !url.search && !url.hash
    ? url
    : null;
}

/** Whether `NO_PROXY` lists a host: by name, with or without a port, with all below it, by address, network or `*`. */
function isExempt({ hostname, port }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '' || entry === '*') return entry === '*';
      const [, address = '', bits] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? [];
      if (bits !== undefined) return isWithin(host, address, Number(bits));
      const [, bracketed, named = '', onPort] = /^(?:\[(.+?)\]|([^:]+|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
      if (onPort !== undefined && onPort !== (port || '443')) return false;
      const name = (bracketed ?? named).replace(/^\*?\./, '');
      return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
    });
}

function isWithin(host: string, network: string, bits: number): boolean {
  const [family, networkFamily] = [isIP(host), isIP(network)];
  if (family === 0 || family !== networkFamily || bits > (family === 4 ? 32 : 128)) return false;
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(network, bits, kind);
  return list.check(host, kind);
}
