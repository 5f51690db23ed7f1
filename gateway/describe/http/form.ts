import { type Dialect, type Field, fieldsOf } from './form-fields.ts';
import { type Reader, treeOf } from './form-tree.ts';
import type { Readings } from './readings.ts';

/** PHP and qs silently drop every field after the thousandth. */
export const MAX_FIELDS = 1000;

/** Sees every value. What it reads is the usual reading, because the others see parts of it. */
const USUAL: Reader = { repeats: 'all', elements: 'last', closesGaps: false };
const RACK: Reader = { repeats: 'last', elements: 'last', closesGaps: false };
const PHP: Reader = { repeats: 'last', elements: 'new', closesGaps: false };
/** In Express. */
const QS: Reader = { repeats: 'all', elements: 'same', closesGaps: true };
/** Go, Flask, Java servlets. */
const FIRST: Reader = { repeats: 'first', elements: 'last', closesGaps: false };

/**
 * How systems read an `application/x-www-form-urlencoded` body, as JSON texts. All values are strings. `a[b]=1` nests;
 * `a[]=1&a[]=2` is an array, and so are members named exactly 0 to n-1 (`items[0][price]=x`). The usual reading has an
 * array for `a=1&a=2`, and one object for `items[][id]=1&items[][name]=x`; other readings are those of other readers.
 * @throws Problem `bad-body` for anything that has no usual reading: names that some readers take for one name or for
 *   another, `a=1&a[b]=2`, unbalanced brackets, invalid percent-encoding, too many fields or levels, a field that
 *   overrides the method
 */
export function readForm(text: string, maxFields: number): Readings<string> {
  return readingsOf(text, { code: 'bad-body', what: 'form', maxFields, isStrict: true });
}

/**
 * How systems read a query (without its question mark), as JSON texts. It is read like a form.
 * @throws Problem `bad-request`, for the same reasons as `readForm`
 */
export function readQuery(query: string, maxFields: number): Readings<string> {
  return query === ''
    ? NO_FIELDS
    : readingsOf(query, { code: 'bad-request', what: 'query', maxFields, isStrict: true });
}

/**
 * What systems find in a text that is no form, but that they may read as one: only fields with a name.
 * @throws Problem `bad-body` for a field that overrides the method
 */
export function readAsForm(text: string): Readings<string> {
  return readingsOf(text, LAX);
}

/** The fields of a form that `readForm` accepts, in order; null for an empty one. */
export function formFields(text: string): (Field | null)[] {
  const dialect: Dialect = { code: 'bad-body', what: 'form', maxFields: Infinity, isStrict: true };
  return text.split('&').map((raw) => fieldsOf(raw, '&', dialect)[0] ?? null);
}

const NO_FIELDS: Readings<string> = ['{}'];
const LAX: Dialect = { code: 'bad-body', what: 'body', maxFields: Infinity, isStrict: false };

function readingsOf(text: string, dialect: Dialect): Readings<string> {
  const [usual, ...others] = readAll(fieldsOf(text, '&', dialect), dialect);
  if (!text.includes(';')) return others.length === 0 ? [usual] : unique(usual, others);
  // Parameter smuggling (CVE-2021-23336): older servers read a semicolon as an ampersand.
  const lax = { ...dialect, isStrict: false };
  return unique(usual, [...others, ...readAll(fieldsOf(text, /[&;]/, lax), lax)]);
}

/** What readers without brackets find: in `a[b]=1&a=2`, which no form should have, that `a` is 2. */
function readPlain(fields: readonly Field[], dialect: Dialect): readonly string[] {
  const plain = fields.filter(({ keys }) => keys.length === 1);
  return plain.length === fields.length ? [] : readAll(plain, dialect);
}

/** The usual reading of fields, and those of the readers that may read them in another way. */
function readAll(fields: readonly Field[], dialect: Dialect): Readings<string> {
  const { json, hasGaps } = treeOf(fields, USUAL, dialect);
  const plain = dialect.isStrict ? [] : readPlain(fields, dialect);
  const names = new Set<string>();
  let isRepeated = false;
  let hasElements = false;
  for (const { keys, ...field } of fields) {
    const name = dialect.isStrict ? field.name : JSON.stringify(keys);
    isRepeated ||= keys.at(-1) !== '' && names.has(name);
    names.add(name);
    hasElements ||= keys.length > 2 && keys.indexOf('') !== -1 && keys.indexOf('') < keys.length - 1;
  }
  if (!isRepeated && !hasElements && !hasGaps && plain.length === 0) return [json];
  const readers = [
    ...(isRepeated ? [FIRST, RACK] : []),
    ...(hasElements || plain.length > 0 ? [PHP] : []),
    ...(hasElements || hasGaps ? [QS] : []),
  ];
  return [json, ...plain, ...readers.map((reader) => treeOf(fields, reader, dialect).json)];
}

function unique(usual: string, others: readonly string[]): Readings<string> {
  return [usual, ...new Set(others.filter((text) => text !== usual))];
}
