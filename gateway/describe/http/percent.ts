/** Percent-encoding (RFC 3986 section 2.1) of text whose every percent sign has two hexadecimal digits. */

const UNRESERVED = /%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)/gi;

/** Decodes letters, digits, `-`, `.`, `_` and `~`. All servers read them the same either way (RFC 3986 section 6.2.2.2). */
export function withoutNeedlessEncoding(text: string): string {
  return text.replace(UNRESERVED, decodeURIComponent);
}

/** The text as a server that decodes again reads it: `%252F` becomes `%2F`. */
export function decodeTwice(text: string): string {
  return withoutNeedlessEncoding(text.replace(/%25(?=[0-9a-f]{2})/gi, '%'));
}

/** The text of one segment: UTF-8, or Latin-1 where it is not valid UTF-8, as older servers write it. */
export function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return decodeLatin1(segment);
  }
}

/** The text whose bytes are Latin-1. A percent sign without two hexadecimal digits stays. */
export function decodeLatin1(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
