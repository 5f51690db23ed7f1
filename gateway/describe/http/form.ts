import { type Dialect, type Field, fieldsOf } from './form-fields.ts';
import { type Reader, treeOf } from './form-tree.ts';
import type { Readings } from './readings.ts';

/** PHP and qs silently drop every field after the thousandth. */
export const MAX_FIELDS = 1000;

/** Sees every value. What it reads is the usual reading, because the others see parts of it. */
const USUAL: Reader = { repeats: 'all', elements: 'last' };
const READERS: Readings<Reader> = [
  USUAL,
  // Go, Flask and Java servlets.
  { repeats: 'first', elements: 'last' },
  // Rack.
  { repeats: 'last', elements: 'last' },
  // PHP.
  { repeats: 'last', elements: 'new' },
  // qs, in Express.
  { repeats: 'all', elements: 'same' },
];

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
  const fields = fieldsOf(text, '&', dialect);
  const usual = treeOf(fields, USUAL, dialect);
  const others = new Set(isReadAlike(fields) ? [] : READERS.map((reader) => treeOf(fields, reader, dialect)));
  if (text.includes(';')) {
    // Parameter smuggling (CVE-2021-23336): older servers read a semicolon as an ampersand.
    const more = fieldsOf(text, /[&;]/, { ...dialect, isStrict: false });
    for (const reader of isReadAlike(more) ? [USUAL] : READERS)
      others.add(treeOf(more, reader, { ...dialect, isStrict: false }));
  }
  others.delete(usual);
  return [usual, ...others];
}

/** Whether all readers read these fields alike: no plain name twice, and no unnumbered objects. */
function isReadAlike(fields: readonly Field[]): boolean {
  const names = new Set<string>();
  for (const { keys } of fields) {
    if (keys.at(-1) === '' && keys.indexOf('') === keys.length - 1) continue;
    if (keys.includes('')) return false;
    const name = keys.length === 1 ? keys[0]! : JSON.stringify(keys);
    if (names.has(name)) return false;
    names.add(name);
  }
  return true;
}
