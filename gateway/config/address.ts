import { z } from 'zod';

export type Address = { readonly host: string; readonly port: number };

export function formatAddress({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export const address = z
  .string()
  .transform((text, ctx) => {
    const match = /^(\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(text);
    const port = Number(match?.[2]);
    if (!match || port > 65_535) {
      ctx.issues.push({ code: 'custom', message: 'expected host:port, such as 127.0.0.1:8080', input: text });
      return z.NEVER;
    }
    return { host: match[1]!.replace(/^\[|\]$/g, '') || '0.0.0.0', port };
  })
  .meta({ title: 'host:port' });
