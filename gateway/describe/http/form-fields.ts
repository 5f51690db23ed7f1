import { Problem, type ProblemCode } from '../../domain/problem.ts';
import { isMethodOverride } from '../../domain/method-override.ts';
import { decodeLatin1 } from './percent.ts';

/** Levels of brackets. qs stops at 5 and Rack at 32; SDKs send fewer than 8. */
const MAX_BRACKETS = 16;

/** What some reader finds in any name: Rack skips brackets before it, and PHP drops what follows the last. */
const FOUND_NAME = /^[[\]]*([^[\]]+)\]*((?:\[[^[\]]*\])*)/;
const NAME = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
// oxlint-disable-next-line no-control-regex -- what JSON escapes
const NEEDS_ESCAPE = /["\\\0-\x1f]/;
/** Longer encodings of short characters, and surrogates: some decoders accept them as other characters. */
const NOT_LATIN1 =
  /[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]/;

/** Where fields stand, and what to do with one that readers take for different fields. */
export type Dialect = {
  readonly code: ProblemCode;
  readonly what: string;
  readonly maxFields: number;
  /**
   * Such a field is refused where fields are expected. In text that only may be read as a form, it is read as PHP does, or
   * left out if no reader makes a name of it.
   */
  readonly isStrict: boolean;
};

/** One field of a form. */
export type Field = {
  /** The field as written, and the part before its equals sign. */
  readonly raw: string;
  readonly rawName: string;
  /** The name, decoded. */
  readonly name: string;
  /** `items[0][price]` has three keys; `expand[]` has two, the second empty. */
  readonly keys: readonly string[];
  readonly value: string;
};

/**
 * The fields of a form, in order.
 * @throws Problem for a field that readers take for different fields, and for a field that overrides the method
 */
export function fieldsOf(text: string, separator: string | RegExp, dialect: Dialect): Field[] {
  const fields: Field[] = [];
  for (const raw of text.split(separator)) {
    if (raw === '') continue;
    const field = fieldOf(raw, dialect);
    if (field !== null) fields.push(field);
  }
  // PHP silently drops every field after the thousandth, and other readers have other limits.
  if (dialect.isStrict && fields.length > dialect.maxFields) {
    throw refused(
      dialect,
      `more than ${dialect.maxFields} fields. If the system reads them all, have an operator raise its form_fields`,
    );
  }
  return fields;
}

function fieldOf(raw: string, dialect: Dialect): Field | null {
  const equals = raw.indexOf('=');
  const rawName = equals === -1 ? raw : raw.slice(0, equals);
  const name = nameOf(decode(rawName, dialect, false), dialect);
  const value = equals === -1 ? '' : decode(raw.slice(equals + 1), dialect, true);
  // No rule asks for such a name, and JSON that is read as a form is full of them.
  if (!dialect.isStrict && NEEDS_ESCAPE.test(name)) return null;
  const keys = keysOf(name, dialect);
  if (keys === null) return no(dialect, `the name ${quoted(name)}, which is empty or has unbalanced brackets`);
  if (keys.length === 1 && isMethodOverride(phpName(name)))
    throw refused(dialect, `the method override ${quoted(name)}; use the method itself`);
  if (dialect.isStrict && hasOtherName(raw, equals))
    throw refused(dialect, `"]=" in the value of ${quoted(name)}, which qs takes for the end of the name; write %3D`);
  if (keys.length > 1 + MAX_BRACKETS) return no(dialect, `a name with more than ${MAX_BRACKETS} levels of brackets`);
  // PHP reads `a[ ]` as `a[]`.
  if (keys.length > 1 && keys.some((key) => key !== '' && key.trim() === ''))
    return no(dialect, `the name ${quoted(name)}, which has only space in brackets`);
  return { raw, rawName, name, keys, value };
}

/** Null if the name is empty, or its brackets are unbalanced. */
function keysOf(name: string, dialect: Dialect): readonly string[] | null {
  if (name !== '' && !name.includes('[') && !name.includes(']')) return [name];
  const match = (dialect.isStrict ? NAME : FOUND_NAME).exec(name);
  if (match === null) return null;
  return match[2] === '' ? [match[1]!] : [match[1]!, ...match[2]!.slice(1, -1).split('][')];
}

/** PHP drops spaces before a name and ends it at a NUL; Rack drops spaces after an ampersand. */
function nameOf(name: string, dialect: Dialect): string {
  const start = name.trimStart();
  const nul = start.indexOf('\0');
  if (start.length === name.length && nul === -1) return name;
  if (dialect.isStrict) {
    throw refused(dialect, `the name ${quoted(name)}, which ${nul === -1 ? 'begins with a space' : 'has a NUL'}`);
  }
  return nul === -1 ? start : start.slice(0, nul);
}

/** The first part of a name as PHP reads it. */
export function phpName(name: string): string {
  return !name.includes('.') && !name.includes(' ') ? name : name.replace(/[. ]/g, '_');
}

/** Whether qs ends the name elsewhere: it prefers `]=`, also with an encoded bracket, over the first equals sign. */
function hasOtherName(raw: string, equals: number): boolean {
  if (equals === -1 || !raw.includes('=', equals + 1)) return false;
  const bracket = /(?:\]|%5d)=/i.exec(raw);
  return bracket !== null && bracket.index + bracket[0].length - 1 !== equals;
}

/**
 * Decodes percent-encoding. A value may be Latin-1 where it cannot be UTF-8, as older clients write it.
 */
function decode(raw: string, dialect: Dialect, isValue: boolean): string {
  if (!raw.includes('%') && !raw.includes('+')) return raw;
  const text = raw.replaceAll('+', ' ');
  try {
    return decodeURIComponent(text);
  } catch {
    const latin1 = decodeLatin1(text);
    const isEncoded = !/%(?![0-9a-f]{2})/i.test(text);
    if (!dialect.isStrict || (isValue && isEncoded && !NOT_LATIN1.test(latin1))) return latin1;
    throw refused(dialect, 'invalid percent-encoding or UTF-8');
  }
}

function no(dialect: Dialect, what: string): null {
  if (dialect.isStrict) throw refused(dialect, what);
  return null;
}

export function quoted(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}

export function refused(dialect: Dialect, what: string): Problem {
  return new Problem(dialect.code, {
    detail: `The ${dialect.what} has ${what}. Correct it and send the call again.`,
  });
}
