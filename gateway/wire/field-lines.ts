const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters including NUL, and a CR or LF without the other: parsers disagree on what these end. */
const ILLEGAL = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|[^\r]\n/;

/** @throws Error when a head or trailers, or a part of them, has an illegal character */
export function refuseIllegal(text: string): void {
  if (ILLEGAL.test(text)) throw new Error('there is an illegal character in the head or the trailers');
}

/** Whether the part of a head that has arrived has no illegal character. Its last one may be a CR. */
export function mayBecomeLegal(text: string): boolean {
  return !ILLEGAL.test(text);
}

/**
 * The field lines from `at` on, each with its line end, as alternating names and values (RFC 9112 section 5).
 * @throws Error when one has no valid name
 */
export function readFieldLines(text: string, at: number): string[] {
  const fields: string[] = [];
  let line = at;
  while (line < text.length) {
    const end = text.indexOf('\r\n', line);
    const name = text.slice(line, Math.max(line, text.indexOf(':', line)));
    // A folded line begins with a space, and a line without a colon would take in the next: neither gives a token.
    if (!TOKEN.test(name)) throw new Error('a field line has no name');
    let from = line + name.length + 1;
    let to = end;
    while (from < to && isBlank(text.charCodeAt(from))) from += 1;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
    fields.push(name, text.slice(from, to));
    line = end + 2;
  }
  return fields;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
