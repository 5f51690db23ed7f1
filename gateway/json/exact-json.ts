/**
 * A JSON value without loss: a number that JavaScript would round or rewrite keeps its original text. `JSON.stringify`
 * writes it back with every digit.
 */
export type ExactJson = null | boolean | string | ExactNumber | readonly ExactJson[] | ExactObject;

type ExactObject = { readonly [member: string]: ExactJson };

/** A number, or an object that `JSON.rawJSON` made from one. */
type ExactNumber = number | RawJson;

type Context = { readonly source?: string };

/**
 * Parses JSON without losing a digit. A member named `__proto__` is an ordinary member. Of two members with one name
 * the last wins, so reject duplicates first in text from outside.
 * @throws SyntaxError when the text is not JSON
 */
export function parseExactly(text: string): ExactJson {
  return JSON.parse(text, (_member, value: unknown, context?: Context) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return String(value) === context.source ? value : JSON.rawJSON(context.source);
  }) as ExactJson;
}

/**
 * Parses JSON for display: a number that JavaScript would round becomes a string with the original digits.
 * @throws SyntaxError when the text is not JSON
 */
export function parseReadably(text: string): unknown {
  return JSON.parse(text, (_member, value: unknown, context?: Context) => {
    if (typeof value !== 'number' || context?.source === undefined) return value;
    return decimal(String(value)) === decimal(context.source) ? value : context.source;
  });
}

/**
 * The same text for equal values, for hashing: members sorted as in RFC 8785, without spaces. Unlike there, numbers
 * stay as written, so that rounding never makes two amounts equal: 10.50 and 10.5 are two texts.
 */
export function canonicalJson(value: ExactJson): string {
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).toSorted();
  return `{${members.map((member) => `${JSON.stringify(member)}:${canonicalJson(value[member]!)}`).join(',')}}`;
}

/** Whether two values are equal: members in any order, numbers by exact value, so 10.50 equals 10.5. */
export function isSameJson(a: ExactJson, b: ExactJson): boolean {
  if (a === b) return true;
  if (isList(a)) return isList(b) && a.length === b.length && a.every((each, index) => isSameJson(each, b[index]!));
  if (isObject(a)) {
    if (!isObject(b)) return false;
    const members = Object.keys(a);
    return (
      members.length === Object.keys(b).length &&
      members.every((member) => Object.hasOwn(b, member) && isSameJson(a[member]!, b[member]!))
    );
  }
  return isNumber(a) && isNumber(b) && decimal(JSON.stringify(a)) === decimal(JSON.stringify(b));
}

/** Whether a JavaScript value can be written as JSON without loss, at most `levels` deep. */
export function isExactJson(value: unknown, levels: number): value is ExactJson {
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return false;
  if (JSON.isRawJSON(value)) return NUMBER.test(value.rawJSON);
  if (levels === 0) return false;
  // `Array.from` turns the holes of a sparse array into undefined, which is not JSON.
  if (Array.isArray(value)) return Array.from(value).every((each) => isExactJson(each, levels - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.entries(value).every(([member, each]) => member.isWellFormed() && isExactJson(each, levels - 1));
}

export function isList(value: ExactJson | undefined): value is readonly ExactJson[] {
  return Array.isArray(value);
}

export function isNumber(value: ExactJson | undefined): value is ExactNumber {
  return typeof value === 'number' || JSON.isRawJSON(value);
}

export function isObject(value: ExactJson | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i;

/** A number's text as sign, digits and power of ten, without insignificant zeros. */
function decimal(text: string): string {
  const match = NUMBER.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
