import { number, RegoNumber } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';
import { asBigFloat, type Fraction } from './numbers.ts';

export const unitBuiltins: Builtins = {
  'units.parse': ofText((text) => {
    const found = split(text!.replaceAll('"', ''));
    if (!found) return undefined;
    const unit = found.unit.slice(0, 1) + found.unit.slice(1).toLowerCase();
    if (unit === 'm') return write({ value: found.value, scale: found.scale * 1000n });
    const factor =
      unit.startsWith('M') || /^[kKgGtTpPeE]?i?$|^mi$/.test(unit) ? factorOf(unit.toLowerCase()) : undefined;
    return factor === undefined ? undefined : write({ value: found.value * factor, scale: found.scale });
  }),
  'units.parse_bytes': ofText((text) => {
    const found = split(text!.toLowerCase().replaceAll('"', ''));
    const factor = found && factorOf(found.unit.replace(/b$/, '') || (found.unit === '' ? '' : '?'));
    if (!found || factor === undefined) return undefined;
    const amount = asBigFloat(found);
    const total = asBigFloat({ value: amount.value * factor, scale: amount.scale });
    return number(total.value / total.scale);
  }),
};

/** Digits of an exponent that OPA accepts are six; a number of a million digits would take seconds. */
const LONGEST_EXPONENT = 1000;

/** `1.5e3Ki` as a number and its unit. */
function split(text: string): (Fraction & { readonly unit: string }) | undefined {
  const match = /^([+-]?)([\d.]+)(?:e([+-]?\d+))?(.*)$/is.exec(text);
  if (!match || text.includes(' ')) return undefined;
  const [, sign, written, exponent = '0', unit] = match;
  const [whole, fraction = '', ...more] = written!.split('.');
  if (more.length > 0 || (whole === '' && fraction === '')) return undefined;
  const size = Number(exponent);
  if (Math.abs(size) > LONGEST_EXPONENT) return undefined;
  const power = 10n ** BigInt(Math.abs(size));
  const value = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const scale = 10n ** BigInt(fraction.length);
  return size < 0 ? { value, scale: scale * power, unit: unit! } : { value: value * power, scale, unit: unit! };
}

/** 1000 or 1024 to the power of the prefix: `k`, `ki`, `m`, `mi`, … */
function factorOf(prefix: string): bigint | undefined {
  if (prefix === '') return 1n;
  const match = /^([kmgtpe])(i?)$/.exec(prefix);
  return match ? (match[2] === 'i' ? 1024n : 1000n) ** BigInt('kmgtpe'.indexOf(match[1]!) + 1) : undefined;
}

/** Ten digits after the point, as in OPA, unless it is whole. */
function write({ value, scale }: Fraction): RegoNumber {
  if (value % scale === 0n) return number(value / scale);
  const size = value < 0n ? -value : value;
  const digits = ((size * 10n ** 10n * 2n + scale) / (scale * 2n)).toString().padStart(11, '0');
  return new RegoNumber(`${value < 0n ? '-' : ''}${digits.slice(0, -10)}.${digits.slice(-10)}`);
}
