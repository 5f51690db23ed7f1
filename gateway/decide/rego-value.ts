/** A value of Rego, as OPA has it: numbers are exact, sets differ from arrays, and an object may have any value as name. */
export type RegoValue = null | boolean | string | RegoNumber | RegoSet | RegoObject | readonly RegoValue[];

/** A number as it is written. */
export class RegoNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A set, its elements in OPA's order. */
export class RegoSet {
  readonly elements: readonly RegoValue[];

  private constructor(elements: readonly RegoValue[]) {
    this.elements = elements;
  }

  static of(elements: readonly RegoValue[]): RegoSet {
    const sorted = elements.toSorted(compareValues);
    return new RegoSet(sorted.filter((each, index) => index === 0 || compareValues(each, sorted[index - 1]!) !== 0));
  }
}

/** An object, its members in OPA's order. */
export class RegoObject {
  readonly members: readonly (readonly [RegoValue, RegoValue])[];

  private constructor(members: readonly (readonly [RegoValue, RegoValue])[]) {
    this.members = members;
  }

  /** Of two members with one name, the last one counts. */
  static of(members: readonly (readonly [RegoValue, RegoValue])[]): RegoObject {
    const sorted = members.toSorted(([a], [b]) => compareValues(a, b));
    return new RegoObject(
      sorted.filter(([name], index) => {
        const next = sorted[index + 1];
        return next === undefined || compareValues(name, next[0]) !== 0;
      }),
    );
  }

  static from(members: Readonly<Record<string, RegoValue>>): RegoObject {
    return RegoObject.of(Object.entries(members));
  }

  get(name: RegoValue): RegoValue | undefined {
    return this.members.find(([each]) => compareValues(each, name) === 0)?.[1];
  }
}

export function isArray(value: RegoValue): value is readonly RegoValue[] {
  return Array.isArray(value);
}

export function number(value: number | bigint): RegoNumber {
  return new RegoNumber(String(value));
}

/** The number as an integer; undefined when it has a fraction, or more digits than any integer that is meant as one. */
export function integerOf(value: RegoValue): bigint | undefined {
  if (!(value instanceof RegoNumber)) return undefined;
  if (/^-?\d+$/.test(value.text)) return BigInt(value.text);
  const { digits, exponent } = decimalOf(value.text);
  if (digits === 0n) return 0n;
  return exponent < 0 || exponent > LONGEST_EXPONENT ? undefined : digits * 10n ** BigInt(exponent);
}

const LONGEST_EXPONENT = 10_000;

/** A decimal number as `digits × 10^exponent`, the digits without zeros at the end. */
export function decimalOf(text: string): { readonly digits: bigint; readonly exponent: number } {
  const [, sign, whole, fraction = '', exponent = '0'] = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text)!;
  const written = `${whole}${fraction}`;
  const kept = written.replace(/0+$/, '');
  const digits = BigInt(`${kept === '' ? '0' : kept}`) * (sign === '-' ? -1n : 1n);
  return digits === 0n
    ? { digits, exponent: 0 }
    : { digits, exponent: Number(exponent) - fraction.length + written.length - kept.length };
}

/** OPA's order: null, booleans, numbers, strings, arrays, objects, sets. */
export function compareValues(a: RegoValue, b: RegoValue): number {
  const rank = rankOf(a) - rankOf(b);
  if (rank !== 0) return rank;
  if (typeof a === 'string') return compareText(a, b as string);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a === null) return 0;
  if (a instanceof RegoNumber) return compareNumbers(a.text, (b as RegoNumber).text);
  if (a instanceof RegoSet) return compareLists(a.elements, (b as RegoSet).elements);
  if (a instanceof RegoObject) return compareLists(a.members.flat(), (b as RegoObject).members.flat());
  return compareLists(a, b as readonly RegoValue[]);
}

export function isEqual(a: RegoValue, b: RegoValue): boolean {
  return compareValues(a, b) === 0;
}

function rankOf(value: RegoValue): number {
  if (value === null) return 0;
  if (typeof value === 'boolean') return 1;
  if (value instanceof RegoNumber) return 2;
  if (typeof value === 'string') return 3;
  if (value instanceof RegoObject) return 5;
  return value instanceof RegoSet ? 6 : 4;
}

function compareLists(a: readonly RegoValue[], b: readonly RegoValue[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareValues(a[index]!, b[index]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** By code points, as bytes of UTF-8 compare; JavaScript compares UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  const x = decimalOf(a);
  const y = decimalOf(b);
  const sign = signOf(x.digits);
  if (sign !== signOf(y.digits)) return sign - signOf(y.digits);
  const length = (value: bigint) => value.toString().replace('-', '').length;
  const size = x.exponent + length(x.digits) - y.exponent - length(y.digits);
  if (size !== 0) return size * sign;
  const shared = Math.min(x.exponent, y.exponent);
  const scaled = (value: typeof x) => value.digits * 10n ** BigInt(value.exponent - shared);
  return signOf(scaled(x) - scaled(y));
}

function signOf(value: bigint): number {
  return value === 0n ? 0 : value < 0n ? -1 : 1;
}

/** The value as Rego writes it: `{1, "a"}`. With `compact`, without spaces, as modules read it. */
export function writeValue(value: RegoValue, compact = false): string {
  const gap = compact ? '' : ' ';
  const write = (each: RegoValue): string => {
    if (each === null || typeof each === 'boolean') return String(each);
    if (typeof each === 'string') return compact ? JSON.stringify(each.toWellFormed()) : quote(each);
    if (each instanceof RegoNumber) return each.text;
    if (each instanceof RegoSet)
      return each.elements.length === 0 ? 'set()' : `{${each.elements.map(write).join(`,${gap}`)}}`;
    if (each instanceof RegoObject)
      return `{${each.members.map(([name, member]) => `${write(name)}:${gap}${write(member)}`).join(`,${gap}`)}}`;
    return `[${each.map(write).join(`,${gap}`)}]`;
  };
  return write(value);
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

/** Text in quotes as Go's strconv.Quote writes it. @param ascii as strconv.QuoteToASCII does */
export function quote(text: string, ascii = false): string {
  return `"${Array.from(text, (each) => escapeRune(each, '"', ascii)).join('')}"`;
}

/** One character as it stands in a Go literal that ends with `end`. */
export function escapeRune(rune: string, end: string, ascii: boolean): string {
  if (rune === '"' || rune === "'") return rune === end ? `\\${rune}` : rune;
  const named = NAMED_ESCAPES[rune];
  if (named !== undefined) return named;
  const code = rune.codePointAt(0)!;
  if (rune === ' ' || (!(ascii && code > 0x7e) && /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(rune))) return rune;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
