/** A quoted parameter, which may contain anything, or a target (RFC 8288 section 3). */
const QUOTED_OR_TARGET = /"(?:[^"\\]|\\.)*"|<([^<>]*)>/g;
const REFRESH = /^([\s\d.]*[;,]?\s*(?:url\s*=\s*)?)(["']?)(.*?)(\2\s*)$/i;

const LETTER_C = 0x63;
const LETTER_L = 0x6c;
const LETTER_R = 0x72;

/** What stands in for a reference; null keeps it. */
export type Rewrite = (reference: string) => string | null;

/** The name, in lower case, of a header that holds references; empty for others. Its first letter and length tell for nearly all. */
export function linkHeader(name: string): '' | 'link' | 'refresh' | 'location' | 'content-location' {
  const first = name.charCodeAt(0) | 0x20;
  if (first !== LETTER_L && first !== LETTER_C && first !== LETTER_R) return '';
  if (name.length !== 4 && name.length !== 7 && name.length !== 8 && name.length !== 16) return '';
  const lower = name.toLowerCase();
  switch (lower) {
    case 'link':
    case 'refresh':
    case 'location':
    case 'content-location':
      return lower;
    default:
      return '';
  }
}

/** The value of such a header with its references rewritten. */
export function rewriteHeader(name: ReturnType<typeof linkHeader>, value: string, rewrite: Rewrite): string {
  switch (name) {
    case 'link':
      return value.replace(QUOTED_OR_TARGET, (whole, target: string | undefined) => {
        const led = target === undefined ? null : rewrite(target);
        return led === null ? whole : `<${led}>`;
      });
    case 'refresh': {
      const [, before = '', quote = '', reference = '', after = ''] = REFRESH.exec(value) ?? [];
      const led = reference === '' ? null : rewrite(reference);
      return led === null ? value : before + quote + led + after;
    }
    default:
      return rewrite(value) ?? value;
  }
}
