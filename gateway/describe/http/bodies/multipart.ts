import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import { Problem } from '../../../domain/problem.ts';
import { validateJson } from '../../../json/validate.ts';
import { readForm } from '../form.ts';
import { isMethodOverride } from '../../../domain/method-override.ts';
import { quoted } from '../form-fields.ts';
import type { Readings } from '../readings.ts';
import { readParts, type Part } from './multipart-parts.ts';

/** Fields and files together, as in a form. */
const MAX_PARTS = 1000;

/**
 * How systems read a `multipart/form-data` body (RFC 7578), as JSON texts:
 *
 *     {"fields": {"purpose": "fine-tune"}, "files": [{"field": "file", "name": "a.jsonl", "type": "…", "size": 12, "sha256": "…"}]}
 *
 * Text fields are read as those of a form. A field of a JSON type is that JSON value. A part with a file name is a file,
 * and so is one that is not text. `name` and `type` are null where the part states none.
 * @param maxFields most text fields
 * @throws Problem `bad-body` for anything that parsers of multipart read differently
 */
export function readMultipart(body: Buffer, contentType: string, maxFields: number): Readings<string> {
  const texts: string[] = [];
  const values = new Map<string, string>();
  const files: string[] = [];
  const named = { field: new Set<string>(), file: new Set<string>() };
  let count = 0;
  for (const part of readParts(body, contentType)) {
    if (++count > MAX_PARTS) throw refused(`more than ${MAX_PARTS} parts`);
    // Verb tampering: Rails and Laravel honour such a field in multipart too.
    if (isMethodOverride(part.name)) throw refused('a part that overrides the method; use the method itself');
    const isFile = part.filename !== null || !isUtf8(part.data);
    // PHP keeps both, Rack the last, and a browser's FormData the first of two.
    if (named[isFile ? 'field' : 'file'].has(part.name)) throw refused(`${quoted(part.name)} as a field and as a file`);
    named[isFile ? 'file' : 'field'].add(part.name);

    if (isFile) files.push(fileJson(part));
    else if (isJson(part.type)) {
      if (values.has(part.name)) throw refused(`the JSON field ${quoted(part.name)} more than once`);
      if (/[[\]]/.test(part.name)) throw refused(`brackets in the name of the JSON field ${quoted(part.name)}`);
      values.set(part.name, validateJson(part.data));
    } else {
      texts.push(`${encodeURIComponent(part.name)}=${encodeURIComponent(textOf(part))}`);
    }
  }
  const jsonOf = (fields: string) => `{"fields":${fieldsJson(fields, values)},"files":[${files.join(',')}]}`;
  const [usual, ...others] = readForm(texts.join('&'), maxFields);
  return [jsonOf(usual), ...others.map(jsonOf)];
}

function fieldsJson(texts: string, values: ReadonlyMap<string, string>): string {
  if (values.size === 0) return texts;
  const known = JSON.parse(texts) as object;
  const members = [...values].map(([name, json]) => {
    if (Object.hasOwn(known, name)) throw refused(`${quoted(name)} more than once`);
    return `${JSON.stringify(name)}:${json}`;
  });
  return `${texts.slice(0, -1)}${texts === '{}' ? '' : ','}${members.join(',')}}`;
}

function fileJson({ name, filename, type, data }: Part): string {
  // RFC 7578 section 4.2: a browser sends an empty name for a file input that was left empty. Go reads it as a field.
  if (filename === '' && data.length > 0) throw refused(`a file with an empty name in ${quoted(name)}`);
  return JSON.stringify({ field: name, name: filename, type, size: data.length, sha256: hash('sha256', data) });
}

function isJson(type: string | null): boolean {
  return type !== null && /^application\/(?:json|[^;]*\+json)[ \t]*(?:;|$)/i.test(type);
}

function textOf({ name, type, data }: Part): string {
  // Charset confusion: in UTF-7 or UTF-16 the same bytes are a different text.
  const charset = /;[ \t]*charset[ \t]*=[ \t]*"?([^";]*)/i.exec(type ?? '')?.[1];
  if (charset !== undefined && !/^(?:utf-?8|us-ascii)[ \t]*$/i.test(charset)) {
    throw refused(`the charset ${quoted(charset)} in ${quoted(name)}; use UTF-8`);
  }
  const text = data.toString('utf8');
  // HTML: a field of this name states the charset of all others.
  if (name === '_charset_' && !/^utf-?8$/i.test(text)) throw refused(`the charset ${quoted(text)}; use UTF-8`);
  return text;
}

function refused(what: string): Problem {
  return new Problem('bad-body', {
    detail: `The multipart body has ${what}. Correct it and send the call again.`,
  });
}
