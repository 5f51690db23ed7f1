import { Problem } from '../../../domain/problem.ts';
import { assertPlain, readMimeParts } from './mime-parts.ts';

/** One part of a `multipart/form-data` body. */
export type Part = {
  readonly name: string;
  /** Null when the part states none. */
  readonly filename: string | null;
  /** The part's Content-Type, as written. */
  readonly type: string | null;
  readonly data: Buffer;
};

const DISPOSITION =
  /^form-data((?:[ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~=?\u0080-\u{10ffff}-]+|"[^"\\]*"))+)$/isu;
const DISPOSITION_PARAMETER =
  /[ \t]*;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~=?\u0080-\u{10ffff}-]+)|"([^"\\]*)")/guy;

/**
 * The parts of a `multipart/form-data` body, each with one plain name and plain data.
 * @throws Problem `bad-body` for what two parsers could read as different parts, names or data
 */
export function* readParts(body: Buffer, contentType: string): Generator<Part> {
  for (const part of readMimeParts(body, contentType)) {
    assertPlain(part);
    const { headers, type, data } = part;
    yield { ...readDisposition(headers.get('content-disposition')), type, data };
  }
}

function readDisposition(value: string | undefined): { readonly name: string; readonly filename: string | null } {
  const parameters = DISPOSITION.exec(value ?? '')?.[1];
  if (parameters === undefined) {
    throw refused(
      'a part without a plain `Content-Disposition: form-data; name="…"`; percent-encode quotes and backslashes',
    );
  }
  const found = new Map<string, string>();
  for (const [, spelling, token, text] of parameters.matchAll(DISPOSITION_PARAMETER)) {
    const name = spelling!.toLowerCase();
    if (found.has(name)) throw refused(`${name} twice in one Content-Disposition`);
    found.set(name, token ?? text!);
  }
  const name = found.get('name');
  // Some parsers decode these escapes of browsers (WHATWG), others do not: two names.
  if (name === undefined || name === '' || /%(?:22|0d|0a)/i.test(name)) throw refused('a part without a plain name');
  const filename = found.get('filename') ?? null;
  // .NET sends both. RFC 7578 section 4.2 forbids the second, so parsers take either.
  const extended = found.get('filename*');
  if (extended !== undefined && decoded(extended) !== filename) throw refused('filename* that is not the filename');
  const other = [...found.keys()].find((each) => each.includes('*') && each !== 'filename*');
  if (other !== undefined) throw refused(`the parameter ${other} in Content-Disposition`);
  return { name, filename };
}

/** The value of an extended parameter (RFC 8187) in UTF-8; null if it is not one. */
function decoded(value: string): string | null {
  const match = /^utf-8'[\w-]*'(.*)$/is.exec(value);
  if (match === null) return null;
  try {
    return decodeURIComponent(match[1]!);
  } catch {
    return null;
  }
}

function refused(what: string): Problem {
  return new Problem('bad-body', {
    detail: `The multipart body has ${what}. Correct it and send the call again.`,
  });
}
