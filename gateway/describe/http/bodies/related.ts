import { hash } from 'node:crypto';
import { Problem } from '../../../domain/problem.ts';
import { isJsonContent } from '../../../json/json-type.ts';
import { validateJson } from '../../../json/validate.ts';
import { charsetOf } from '../charset.ts';
import { assertPlain, parametersOf, readMimeParts, type MimePart } from './mime-parts.ts';
import { xmlToJson } from './xml.ts';

const MAX_PARTS = 1000;
const XML_TYPE = /^(?:text\/xml|application\/(?:[\w.-]+\+)?xml)[ \t]*(?:;|$)/i;

/**
 * A `multipart/related` body (RFC 2387) as JSON text. Google's APIs take uploads so, with the name of what is uploaded in
 * the first part, and SOAP takes attachments so:
 *
 *     {"root": {"name": "a.txt"}, "files": [{"type": "text/plain", "size": 12, "sha256": "…"}]}
 *
 * `root` is the JSON or XML of the first part; without either, that part is one of the files. The other parts are files,
 * whatever their type.
 * @param soapAction the header SOAPAction
 * @throws Problem `bad-body` for anything that parsers of multipart read differently
 */
export function readRelated(body: Buffer, contentType: string, soapAction: string | undefined): string {
  let root: string | null = null;
  const files: string[] = [];
  let count = 0;
  for (const part of readMimeParts(body, contentType, true)) {
    if (++count > MAX_PARTS) throw refused(`more than ${MAX_PARTS} parts`);
    if (count === 1) {
      const parameters = parametersOf(contentType);
      assertRoot(part, parameters.get('start'));
      root = rootJson(part, parameters.get('type'), soapAction);
      if (root !== null) continue;
    }
    const { type, data } = part;
    files.push(JSON.stringify({ type, size: data.length, sha256: hash('sha256', data) }));
  }
  return `{${root === null ? '' : `"root":${root},`}"files":[${files.join(',')}]}`;
}

/** Readers that do not know the parameter `start` take the first part. */
function assertRoot({ headers }: MimePart, start: string | undefined): void {
  if (start !== undefined && start !== headers.get('content-id')) throw refused('a root that is not its first part');
}

/**
 * Null if it is neither JSON nor XML: by its own type or by the one that the whole body declares for it, as readers go by
 * either. What begins as JSON counts as such, since servers may ignore the type.
 */
function rootJson(part: MimePart, declared: string | undefined, soapAction: string | undefined): string | null {
  const { data } = part;
  const types = [part.type ?? '', declared ?? ''];
  const isXml = types.some((each) => XML_TYPE.test(each));
  if (!isXml && !types.some(isJsonContent) && !beginsAsJson(data)) return null;
  assertPlain(part);
  const type = part.type ?? '';
  if (charsetOf(type) !== 'utf-8') throw refused('a root in another charset; use UTF-8');
  return isXml ? xmlToJson(data, type, soapAction) : validateJson(data);
}

function beginsAsJson(data: Buffer): boolean {
  return /^\s*[[{]/.test(data.toString('latin1', 0, 1024));
}

function refused(what: string): Problem {
  return new Problem('bad-body', { detail: `The multipart body has ${what}. Correct it and send the call again.` });
}
