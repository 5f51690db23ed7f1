import { isUtf8 } from 'node:buffer';
import { Problem } from '../../domain/problem.ts';
import { areLines, linesToJson } from './bodies/lines.ts';
import { readMultipart } from './bodies/multipart.ts';
import { readRelated } from './bodies/related.ts';
import { xmlToJson } from './bodies/xml.ts';
import { jsonText, type CheckedJson } from '../../json/scanned-object.ts';
import { checkJson, closingBracket, skipSpace } from '../../json/validate.ts';
import { charsetOf, readJsonText } from './charset.ts';
import { readAsForm, readForm } from './form.ts';
import { bodyKind } from './media-type.ts';
import { hasMethodOverrideMember } from './method-override-member.ts';
import type { Readings } from './readings.ts';

const OPAQUE: Readings<null> = [null];
const NONE: readonly string[] = [];

/**
 * How systems may read a body that is not empty, as JSON: JSON as it is, others converted. Null when policy cannot
 * read a body of this Content-Type.
 * @param maxFields most fields of a form
 * @param path below the system, as sent
 * @param soapAction the header SOAPAction
 * @throws Problem `bad-body` when the body cannot be judged exactly as it is
 */
export function readBodyAs(
  body: Buffer,
  contentType: string | undefined,
  maxFields: number,
  path: string,
  soapAction?: string,
): Readings<CheckedJson | null> {
  switch (bodyKind(contentType)) {
    case 'opaque':
      return OPAQUE;
    case 'form': {
      // `curl -d` says form of JSON, too. Systems that heed the type still read a form, if only an empty one.
      const json = jsonAtStart(body);
      return json?.isWhole ? [json.json, ...readAsForm(jsonText(json.json))] : readForm(formText(body), maxFields);
    }
    case 'lines':
      return [linesToJson(body)];
    case 'multipart':
      return readMultipart(body, contentType!, maxFields);
    case 'related':
      return [readRelated(body, contentType!, soapAction)];
    case 'graphql':
      // The document alone, as the member that holds it in JSON.
      if (!isUtf8(body)) throw new Problem('bad-body', { detail: 'Send the GraphQL document in UTF-8.' });
      return [JSON.stringify({ query: body.toString('utf8') })];
    case 'yaml': {
      // JSON is YAML (YAML 1.2.2). Policy does not read other YAML, which parsers read too differently.
      const json = jsonAtStart(body);
      return json?.isWhole ? [json.json] : OPAQUE;
    }
    case 'xml':
      return [xmlToJson(body, contentType!, soapAction)];
    case 'json':
      if (areLines(path, body)) return [linesToJson(body)];
      return withoutOverride(readJsonText(body, charsetOf(contentType!)));
  }
}

/**
 * How systems that ignore the Content-Type may read the body besides. Nearly every JSON text with an ampersand has such a
 * reading, as it may have a link in it. So it counts only where policy finds something in it: of JSON without that, such
 * a system would read nothing at all.
 * @param usual what `readBodyAs` says first
 * @throws Problem `bad-body` for a field or member that overrides the method
 */
export function readIgnoringType(
  body: Buffer,
  contentType: string | undefined,
  usual: CheckedJson | null,
): readonly CheckedJson[] {
  switch (usual === null ? 'opaque' : bodyKind(contentType)) {
    case 'opaque': {
      // Rack reads a body without a type as a form.
      const form = contentType === undefined && isUtf8(body) ? readAsForm(body.toString('utf8')) : NONE;
      const json = jsonAtStart(body);
      return json === null ? form : [...(json.isWhole ? [json.json] : withLines(json.json, body)), ...form];
    }
    case 'form': {
      const json = jsonAtStart(body);
      return json === null || json.isWhole ? NONE : withLines(json.json, body);
    }
    case 'json':
      return mayBeForm(usual!) ? readAsForm(jsonText(usual!)) : NONE;
    default:
      return NONE;
  }
}

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;

/**
 * The array or object at the start of a body; null if there is none.
 * @throws Problem `bad-body` when it is JSON that readers read differently, whatever the type says
 */
function jsonAtStart(body: Buffer): { readonly json: CheckedJson; readonly isWhole: boolean } | null {
  const start = skipSpace(body, 0);
  if (body[start] !== OPEN_OBJECT && body[start] !== OPEN_ARRAY) return null;
  const end = closingBracket(body, start);
  if (end === -1) return null;
  const value = body.subarray(0, end);
  try {
    return { json: withoutOverride([checkJson(value)])[0], isWhole: skipSpace(body, end) === body.length };
  } catch (problem) {
    if (isJson(value.toString('utf8'))) throw problem;
    return null;
  }
}

/**
 * JSON that other data follows: Go's json.Decoder and Jackson read the first value and leave the rest, or read on where it
 * is JSON too.
 */
function withLines(first: CheckedJson, body: Buffer): readonly CheckedJson[] {
  try {
    return [first, linesToJson(body)];
  } catch {
    return [first];
  }
}

/** Whether there can be more than one field in it. */
function mayBeForm(json: CheckedJson): boolean {
  const all = typeof json === 'string' ? json : json.bytes;
  return all.includes('&') || all.includes(';');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The text of a form. Clients that are older than UTF-8 send Latin-1. */
function formText(body: Buffer): string {
  return body.toString(isUtf8(body) ? 'utf8' : 'latin1');
}

function withoutOverride<Json extends CheckedJson>(texts: Readings<Json>): Readings<Json> {
  if (texts.some(hasMethodOverrideMember)) {
    throw new Problem('bad-body', {
      detail: 'The body has a member that overrides the method. Use that method instead.',
    });
  }
  return texts;
}
