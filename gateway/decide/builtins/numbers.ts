import { decimalOf, integerOf, number, RegoNumber, type RegoValue } from '../rego-value.ts';
import type { Builtins } from './builtin.ts';

export const numberBuiltins: Builtins = {
  to_number: (value) => {
    if (value === null || typeof value === 'boolean') return number(value ? 1 : 0);
    if (value instanceof RegoNumber) return value;
    return typeof value === 'string' ? parseNumber(value) : undefined;
  },

  format_int: (value, base) => {
    const radix = base instanceof RegoNumber ? [2, 8, 10, 16].find((each) => base.text === String(each)) : undefined;
    if (!(value instanceof RegoNumber) || radix === undefined) return undefined;
    return truncated(value.text).toString(radix);
  },

  'numbers.range': (from, to) => range(from, to, number(1)),
  'numbers.range_step': range,
};

/** OPA's limit on the binary exponent of a number. */
const LARGEST_EXPONENT = 100_000 * Math.log10(2);

/** A number in text, as Go's strconv.ParseFloat reads it. What a double cannot hold for its size is undefined. */
function parseNumber(written: string): RegoNumber | undefined {
  if (/^[1-9]\d{0,14}$/.test(written)) return new RegoNumber(written);
  // Go takes underscores between digits.
  const text = written.replace(/(?<=\d)_(?=\d)/g, '');
  const hexadecimal = /^([+-]?)0x([\da-f_]*)(?:\.([\da-f_]*))?p([+-]?\d+)$/i.exec(text);
  if (hexadecimal) return parseHexadecimal(hexadecimal);
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  if (!Number.isFinite(Number(text))) return undefined;
  if (exponent !== undefined && Math.abs(decimalOf(text).exponent) > LARGEST_EXPONENT) return undefined;
  // As JSON writes it: modules read no `+5`, `05`, `.5` or `5.`.
  const kept = whole.replace(/^0+(?=\d)/, '') || '0';
  const after = fraction === '' ? '' : `.${fraction}`;
  return new RegoNumber(`${sign === '-' ? '-' : ''}${kept}${after}${exponent === undefined ? '' : `e${exponent}`}`);
}

function parseHexadecimal([, sign, whole = '', fraction = '', exponent]: RegExpExecArray): RegoNumber | undefined {
  const digits = (whole + fraction).replaceAll('_', '');
  const isWellSpaced = !/__|_$/.test(whole) && !fraction.includes('_');
  const power = Number(exponent) - fraction.length * 4;
  if (digits === '' || !isWellSpaced || Math.abs(power) > 5000) return undefined;
  const value = Number(BigInt(`0x${digits}`)) * 2 ** power;
  return Number.isFinite(value) ? new RegoNumber(`${sign === '-' ? '-' : ''}${value}`) : undefined;
}

function truncated(text: string): bigint {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const { digits, exponent } = decimalOf(text);
  if (exponent < -10_000) return 0n;
  const power = 10n ** BigInt(Math.min(Math.abs(exponent), 30_103));
  const { value, scale } = asBigFloat(
    exponent < 0 ? { value: digits, scale: power } : { value: digits * power, scale: 1n },
  );
  return value / scale;
}

/** A fraction of two integers. */
export type Fraction = { readonly value: bigint; readonly scale: bigint };

const MANTISSA = 64;

/** The nearest number with 64 bits of mantissa: Go's big.Float, in which OPA calculates with fractions. */
export function asBigFloat({ value, scale }: Fraction): Fraction {
  if (value === 0n) return { value, scale: 1n };
  const size = value < 0n ? -value : value;
  const length = (each: bigint) => each.toString(2).length;
  // One bit more or less is settled by the second round.
  for (let shift = MANTISSA - (length(size) - length(scale)); ; shift--) {
    const [top, bottom] = shift >= 0 ? [size << BigInt(shift), scale] : [size, scale << BigInt(-shift)];
    let mantissa = top / bottom;
    if (length(mantissa) > MANTISSA) continue;
    const rest = (top % bottom) * 2n;
    if (rest > bottom || (rest === bottom && mantissa % 2n === 1n)) mantissa++;
    const signed = value < 0n ? -mantissa : mantissa;
    return shift >= 0 ? { value: signed, scale: 1n << BigInt(shift) } : { value: signed << BigInt(-shift), scale: 1n };
  }
}

/** Numbers of a result. OPA ends such a loop when its caller gives up; a gateway has other calls waiting. */
const LONGEST_RANGE = 100_000;

function range(from: RegoValue | undefined, to: RegoValue | undefined, step: RegoValue | undefined) {
  const [first, last, width] = [from, to, step].map((each) => (each === undefined ? undefined : integerOf(each)));
  if (first === undefined || last === undefined || width === undefined || width <= 0n) return undefined;
  const isUp = first <= last;
  const count = (isUp ? last - first : first - last) / width + 1n;
  if (count > LONGEST_RANGE) throw new Error(`numbers.range: a range of ${count} numbers is too long`);
  return Array.from({ length: Number(count) }, (_, index) =>
    number(isUp ? first + width * BigInt(index) : first - width * BigInt(index)),
  );
}
