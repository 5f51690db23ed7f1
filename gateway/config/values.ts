import { z } from 'zod';
import * as units from '../domain/units.ts';

export const duration = units.duration.meta({ title: 'duration' });
export const size = units.size.meta({ title: 'size' });
/** The size of the head of a message. Each connection may need as much memory. */
export const headSize = size.refine((bytes) => bytes >= 2 ** 12 && bytes <= 2 ** 20, 'expected 4KiB to 1MiB');
/** A path, relative to the configuration file. */
export const file = z.string().meta({ title: 'file' });
export const folder = z.string().meta({ title: 'folder' });

export const name = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_-]*$/,
    'expected another name: lowercase letters, digits, "-" and "_", beginning with a letter or digit',
  );
export const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected an HTTP header name')
  .transform((header) => header.toLowerCase())
  .meta({ title: 'header name' });
export const headerValue = z.string().regex(/^[\t\x20-\x7e\x80-\xff]+$/, 'expected a header value on one line');
const HASH = 'expected the lowercase hex SHA-256 of the token, not the token; `npx holdpoint token` prints both';
const tokenHash = z.string(HASH).regex(/^[0-9a-f]{64}$/, HASH);
/** One token, or several while one replaces another. */
export const tokenHashes = z
  .union([z.array(tokenHash).min(1, HASH).max(4, 'expected at most 4 tokens'), tokenHash], HASH)
  .meta({ title: '64 hex digits, or a list' });
export const person = z.string().min(1, 'expected a person, such as ana@example.com');

export const upstreamUrl = z
  .string()
  .transform((text, ctx) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (!url || !['http:', 'https:'].includes(url.protocol) || url.search || url.hash || url.username) {
      const message =
        'expected an http or https URL without query, fragment or user, such as https://api.example.com/base';
      ctx.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    }
    return url;
  })
  .meta({ title: 'URL' });

const ORIGIN = 'expected an origin as browsers send it, such as https://app.example.com, without a path; or "*"';
export const origin = z
  .string(ORIGIN)
  .refine((text) => text === '*' || isOrigin(text), ORIGIN)
  .meta({ title: 'origin' });

/** Whether a text is an origin as browsers write it (RFC 6454 section 6.2). Browser extensions have schemes of their own. */
function isOrigin(text: string): boolean {
  const url = /^[a-z][a-z\d+.-]*:\/\/[^/?#@*\s]+$/.test(text) && URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.origin === 'null' || url.origin === text);
}
