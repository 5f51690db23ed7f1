import { escapeRune, isArray, quote, RegoNumber, type RegoValue, writeValue } from '../rego-value.ts';
import { formatFloat } from './go-float.ts';

/** What OPA passes to Go's `fmt`: whole numbers of 64 bits, larger ones, others as doubles; everything else as text. */
type Argument =
  | { readonly type: 'int64' | '*big.Int'; readonly value: bigint }
  | { readonly type: 'float64'; readonly value: number }
  | { readonly type: 'string'; readonly value: string };

type Flags = {
  sharp: boolean;
  zero: boolean;
  plus: boolean;
  minus: boolean;
  space: boolean;
  /** `#` and `+` of %v, which ask for Go's syntax. */
  sharpV: boolean;
  plusV: boolean;
  width: number | null;
  precision: number | null;
};

/** As in Go's `fmt`, so that no width fills the memory. */
const LARGEST = 1_000_000;
/** UTF-16 units of a result. Go has no such limit; ten verbs could ask for ten million spaces. */
const LONGEST_RESULT = 4_000_000;

/** OPA's `sprintf`, which is Go's: a wrong verb prints itself, `%!d(string=x)`, and never fails. */
export function sprintf(format: RegoValue, args: RegoValue): RegoValue | undefined {
  if (typeof format !== 'string' || !isArray(args)) return undefined;
  return new Printer(format, args.map(toArgument)).print();
}

function toArgument(value: RegoValue): Argument {
  if (typeof value === 'string') return { type: 'string', value };
  if (!(value instanceof RegoNumber)) return { type: 'string', value: writeValue(value) };
  if (/[.eE]/.test(value.text)) {
    const float = Number(value.text);
    return Number.isFinite(float) ? { type: 'float64', value: float } : { type: 'string', value: value.text };
  }
  const integer = BigInt(value.text);
  return { type: BigInt.asIntN(64, integer) === integer ? 'int64' : '*big.Int', value: integer };
}

/** Reads a format and prints its arguments. */
class Printer {
  readonly #format: string;
  readonly #args: readonly Argument[];
  /** The place in the format. */
  #at = 0;
  /** The argument that comes next. */
  #next = 0;
  #isReordered = false;
  #isGoodIndex = true;

  constructor(format: string, args: readonly Argument[]) {
    this.#format = format;
    this.#args = args;
  }

  print(): string {
    let result = '';
    while (this.#at < this.#format.length) {
      this.#isGoodIndex = true;
      const start = this.#format.indexOf('%', this.#at);
      if (start < 0) {
        result += this.#format.slice(this.#at);
        break;
      }
      result += this.#format.slice(this.#at, start);
      this.#at = start + 1;
      result += this.#printVerb();
      if (result.length > LONGEST_RESULT) throw new Error('sprintf: the result is too long');
    }
    if (this.#isReordered || this.#next >= this.#args.length) return result;
    const extra = this.#args.slice(this.#next).map((arg) => `${arg.type}=${print(arg, 'v', NO_FLAGS)}`);
    return `${result}%!(EXTRA ${extra.join(', ')})`;
  }

  #isAt(character: string): boolean {
    return this.#format[this.#at] === character;
  }

  #printVerb(): string {
    const flags = this.#readFlags();
    const wrong = this.#readSize(flags);
    if (this.#at >= this.#format.length) return `${wrong}%!(NOVERB)`;
    const verb = String.fromCodePoint(this.#format.codePointAt(this.#at)!);
    this.#at += verb.length;
    if (verb === '%') return `${wrong}%`;
    if (!this.#isGoodIndex) return `${wrong}%!${verb}(BADINDEX)`;
    const arg = this.#args[this.#next];
    if (arg === undefined) return `${wrong}%!${verb}(MISSING)`;
    this.#next++;
    if (verb === 'v' || verb === 'w') {
      flags.sharpV = flags.sharp;
      flags.plusV = flags.plus;
      flags.sharp = flags.plus = false;
    }
    return wrong + print(arg, verb, flags);
  }

  #readFlags(): Flags {
    const flags: Flags = { ...NO_FLAGS };
    for (; ; this.#at++) {
      if (this.#isAt('#')) flags.sharp = true;
      else if (this.#isAt('0')) flags.zero = true;
      else if (this.#isAt('+')) flags.plus = true;
      else if (this.#isAt('-')) flags.minus = true;
      else if (this.#isAt(' ')) flags.space = true;
      else return flags;
    }
  }

  /** Reads `[1]*.[2]*[3]`, all of it optional: width, precision and index. @returns what is wrong with it */
  #readSize(flags: Flags): string {
    let wrong = '';
    let afterIndex = this.#readIndex();
    if (this.#isAt('*')) {
      flags.width = this.#readStar();
      if (flags.width === null) wrong += '%!(BADWIDTH)';
      else if (flags.width < 0) {
        flags.width = -flags.width;
        flags.minus = true;
      }
      afterIndex = false;
    } else {
      flags.width = this.#readNumber();
      if (afterIndex && flags.width !== null) this.#isGoodIndex = false;
    }
    if (this.#isAt('.') && this.#at + 1 < this.#format.length) {
      this.#at++;
      if (afterIndex) this.#isGoodIndex = false;
      afterIndex = this.#readIndex();
      if (this.#isAt('*')) {
        flags.precision = this.#readStar();
        if (flags.precision === null || flags.precision < 0) {
          flags.precision = null;
          wrong += '%!(BADPREC)';
        }
        afterIndex = false;
      } else flags.precision = this.#readNumber() ?? 0;
    }
    if (!afterIndex) this.#readIndex();
    return wrong;
  }

  /** `12` in `%12d`; null when there is none. */
  #readNumber(): number | null {
    const start = this.#at;
    let value = 0;
    for (; ; this.#at++) {
      const digit = this.#format[this.#at];
      if (digit === undefined || digit < '0' || digit > '9') return this.#at === start ? null : value;
      if (value > LARGEST) {
        this.#at = this.#format.length;
        return null;
      }
      value = value * 10 + Number(digit);
    }
  }

  /** `[2]` in `%[2]d`. @returns whether there is one */
  #readIndex(): boolean {
    if (!this.#isAt('[')) return false;
    this.#isReordered = true;
    const end = this.#format.indexOf(']', this.#at + 1);
    if (end < 0) {
      this.#at++;
      this.#isGoodIndex = false;
      return false;
    }
    const text = this.#format.slice(this.#at + 1, end);
    this.#at = end + 1;
    const index = /^\d{1,7}$/.test(text) ? Number(text) - 1 : null;
    if (index !== null && index >= 0 && index < this.#args.length) this.#next = index;
    else this.#isGoodIndex = false;
    return index !== null;
  }

  /** `*` in `%*d`: the number is an argument; null when it is none. */
  #readStar(): number | null {
    this.#at++;
    const arg = this.#args[this.#next];
    if (arg === undefined) return null;
    this.#next++;
    return arg.type === 'int64' && arg.value <= LARGEST && arg.value >= -LARGEST ? Number(arg.value) : null;
  }
}

const NO_FLAGS: Readonly<Flags> = {
  sharp: false,
  zero: false,
  plus: false,
  minus: false,
  space: false,
  sharpV: false,
  plusV: false,
  width: null,
  precision: null,
};

function print(arg: Argument, verb: string, flags: Readonly<Flags>): string {
  if (verb === 'T') return printText(arg.type, 's', flags)!;
  // A pointer prints as its address, which differs in each run of OPA.
  if (verb === 'p' && arg.type === '*big.Int') throw new Error('sprintf: %p of a number has no meaning');
  const printed =
    verb === 'p'
      ? undefined
      : arg.type === 'string'
        ? printText(arg.value, verb, flags)
        : arg.type === 'float64'
          ? printFloat(arg.value, verb, flags)
          : arg.type === 'int64'
            ? printInteger(arg.value, verb, flags)
            : printBigInteger(arg.value, verb, flags);
  return printed ?? `%!${verb}(${arg.type}=${print(arg, 'v', flags)})`;
}

function pad(text: string, { width, minus, zero }: Pick<Flags, 'width' | 'minus' | 'zero'>): string {
  const missing = (width ?? 0) - Array.from(text).length;
  if (missing <= 0) return text;
  return minus ? text + ' '.repeat(missing) : (zero ? '0' : ' ').repeat(missing) + text;
}

function printText(text: string, verb: string, flags: Readonly<Flags>): string | undefined {
  const kept = () => (flags.precision === null ? text : Array.from(text).slice(0, flags.precision).join(''));
  switch (verb) {
    case 's':
      return pad(kept(), flags);
    case 'v':
      return flags.sharpV ? printText(text, 'q', flags) : pad(kept(), flags);
    case 'q': {
      // eslint-disable-next-line no-control-regex
      const isPlain = !/[\0-\x08\x0a-\x1f\x7f`\ufeff]/.test(kept());
      return pad(flags.sharp && isPlain ? `\`${kept()}\`` : quote(kept(), flags.plus), flags);
    }
    case 'x':
    case 'X': {
      const bytes = Buffer.from(text).subarray(0, flags.precision ?? undefined);
      const prefix = flags.sharp ? '0x' : '';
      const written = flags.space
        ? Array.from(bytes, (each) => prefix + each.toString(16).padStart(2, '0')).join(' ')
        : bytes.length === 0
          ? ''
          : prefix + bytes.toString('hex');
      return pad(verb === 'X' ? written.toUpperCase() : written, flags);
    }
    default:
      return undefined;
  }
}

const BASES: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };

function printInteger(value: bigint, verb: string, flags: Readonly<Flags>): string | undefined {
  const rune = value < 0n || value > 0x10ffffn || (value >= 0xd800n && value <= 0xdfffn) ? 0xfffd : Number(value);
  const padding = { ...flags, zero: false };
  switch (verb) {
    case 'c':
      return pad(String.fromCodePoint(rune), flags);
    case 'q':
      return pad(`'${escapeRune(String.fromCodePoint(rune), "'", flags.plus)}'`, flags);
    case 'U': {
      const digits = BigInt.asUintN(64, value).toString(16).toUpperCase();
      const isShown =
        flags.sharp && BigInt(rune) === value && escapeRune(String.fromCodePoint(rune), '', false).length <= 2;
      const shown = isShown ? ` '${String.fromCodePoint(rune)}'` : '';
      return pad(`U+${digits.padStart(Math.max(4, flags.precision ?? 0), '0')}${shown}`, padding);
    }
  }
  const base = BASES[verb];
  if (base === undefined) return undefined;
  const { sharp, plus } = flags;
  if (flags.precision === 0 && value === 0n) return ' '.repeat(flags.width ?? 0);
  const sign = value < 0n ? '-' : plus ? '+' : flags.space ? ' ' : '';
  const filled =
    flags.precision ?? (flags.zero && !flags.minus && flags.width !== null ? flags.width - sign.length : 0);
  let digits = (value < 0n ? -value : value).toString(base).padStart(filled, '0');
  if (sharp && base === 2) digits = `0b${digits}`;
  if (sharp && base === 8 && !digits.startsWith('0')) digits = `0${digits}`;
  if (sharp && base === 16) digits = `0x${digits}`;
  if (verb === 'O') digits = `0o${digits}`;
  return pad(sign + (verb === 'X' ? digits.toUpperCase() : digits), padding);
}

function printBigInteger(value: bigint, verb: string, flags: Readonly<Flags>): string {
  const base = verb === 's' ? 10 : BASES[verb];
  if (base === undefined) return `%!${verb}(big.Int=${value})`;
  const sign = value < 0n ? '-' : flags.plus || flags.plusV ? '+' : flags.space ? ' ' : '';
  const prefixes: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' };
  const prefix = verb === 'O' ? '0o' : flags.sharp ? (prefixes[verb] ?? '') : '';
  const written = (value < 0n ? -value : value).toString(base);
  const digits = (verb === 'X' ? written.toUpperCase() : written).padStart(flags.precision ?? 0, '0');
  const missing = (flags.width ?? 0) - sign.length - prefix.length - digits.length;
  if (missing <= 0) return sign + prefix + digits;
  if (flags.minus) return sign + prefix + digits + ' '.repeat(missing);
  return flags.zero && flags.precision === null
    ? sign + prefix + '0'.repeat(missing) + digits
    : ' '.repeat(missing) + sign + prefix + digits;
}

function printFloat(value: number, verb: string, flags: Readonly<Flags>): string | undefined {
  const formats: Readonly<Record<string, string>> = { v: 'g', F: 'f' };
  const format = formats[verb] ?? verb;
  if (!/^[bgGxXfeE]$/.test(format)) return undefined;
  const usual = /^[feE]$/.test(format) ? 6 : -1;
  const precision = flags.precision ?? usual;
  let digits = formatFloat(Math.abs(value), format, precision);
  if (flags.sharp && format !== 'b') digits = withPoint(digits, format, precision);
  const isNegative = value < 0 || Object.is(value, -0);
  const sign = isNegative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '';
  // A space is a sign only in the count of the width: zeros go before the digits, not before the space.
  if (sign !== '' && flags.zero && !flags.minus) return sign + pad(digits, { ...flags, width: (flags.width ?? 0) - 1 });
  return pad(sign + digits, flags);
}

/** A number with the point and the zeros that `#` asks for. */
function withPoint(written: string, format: string, precision: number): string {
  const [, number = '', tail = ''] = (/x/i.test(format) ? /^(.*?)(p.*)?$/i : /^(.*?)(e.*)?$/i).exec(written)!;
  let missing = /[gGx]/.test(format) ? (precision === -1 ? 6 : precision) : 0;
  missing -= number.replace('.', '').replace(/^0+/, '').length;
  if (!number.includes('.') && number === '0') missing--;
  return `${number}${number.includes('.') ? '' : '.'}${'0'.repeat(Math.max(0, missing))}${tail}`;
}
