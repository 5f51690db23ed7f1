import { PASS_PREFIX, type Purpose } from './pass.ts';

const TILDE = 0x7e;
const PERCENT = 0x25;
const IN_TARGET = RegExp(`^/(?:~|%7e)(${PASS_PREFIX}[\\w-]+)(?=[/?]|$)`, 'i');
const ANYWHERE = RegExp(`${PASS_PREFIX}[\\w-]+`, 'gi');

/** A target that carries a pass: as its first segment, which clients keep when they add to a path or a query. */
export function withLinkPass(pass: string, target: string): string {
  return `/~${pass}${target}`;
}

/** Takes the pass out of a target. Null if there is none, as in nearly all calls. */
export function takeLinkPass(target: string): { readonly pass: string; readonly target: string } | null {
  const second = target.charCodeAt(1);
  if (second !== TILDE && second !== PERCENT) return null;
  const match = IN_TARGET.exec(target);
  return match && { pass: match[1]!, target: target.slice(match[0].length) };
}

/** A text without the passes that it quotes. */
export function hidePasses(text: string): string {
  return text.replace(ANYWHERE, `${PASS_PREFIX}***`);
}

/**
 * What the pass of a link is for: one target of a system, at one upstream.
 * @param upstream the further host to which the target leads
 */
export function linkPurpose(system: string, upstream: URL, target: string): Purpose {
  return ['link', system, upstream.href, canonical(target)];
}

const UNRESERVED = /^[\w.~-]$/;

/**
 * A target as all spellings of one URL have it that clients turn into each other (RFC 3986 section 6.2.2): percent-encoded
 * where some client encodes, and decoded where that never matters. Segments are not resolved.
 */
function canonical(target: string): string {
  return target
    .replace(/#.*$/s, '')
    .toWellFormed()
    .replace(/[^\w.~!$&()*+,;=:@/?%-]/gu, encodeURIComponent)
    .replace(/'/g, '%27')
    .replace(/%[\da-f]{2}/gi, (octet) => {
      const char = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
      return UNRESERVED.test(char) ? char : octet.toUpperCase();
    });
}
