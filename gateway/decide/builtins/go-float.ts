/**
 * A double as Go's strconv.FormatFloat writes it, the sign left out.
 *
 * @param format `e`, `E`, `f`, `g`, `G`, `b`, `x` or `X`
 * @param precision digits; -1 for as few as tell the double from its neighbours
 */
export function formatFloat(value: number, format: string, precision: number): string {
  if (format === 'b') return binary(value);
  if (format === 'x' || format === 'X') {
    const text = hexadecimal(value, precision);
    return format === 'X' ? text.toUpperCase() : text;
  }
  const isShortest = precision < 0;
  const lower = format.toLowerCase();
  const wanted = lower === 'g' && precision === 0 ? 1 : precision;
  const { digits, point } = isShortest
    ? shortest(value)
    : rounded(value, lower === 'f' ? { fraction: wanted } : { digits: lower === 'e' ? wanted + 1 : wanted });
  if (lower === 'f') return fixed(digits, point, isShortest ? Math.max(digits.length - point, 0) : wanted);
  if (lower === 'e') return scientific(digits, point, isShortest ? digits.length - 1 : wanted, format);
  const limit = isShortest ? 6 : wanted > digits.length && digits.length >= point ? digits.length : wanted;
  const exponent = point - 1;
  if (exponent < -4 || exponent >= limit)
    return scientific(
      digits,
      point,
      Math.min(isShortest ? digits.length : wanted, digits.length) - 1,
      format === 'G' ? 'E' : 'e',
    );
  return fixed(digits, point, Math.max(digits.length - point, 0));
}

/** Digits without zeros at the end, and the place of the point: 0.`digits` × 10^`point`. */
type Decimal = { readonly digits: string; readonly point: number };

function shortest(value: number): Decimal {
  if (value === 0) return { digits: '', point: 1 };
  const [, mantissa, exponent] = /^(.*)e([+-]\d+)$/.exec(value.toExponential())!;
  return { digits: mantissa!.replace('.', ''), point: Number(exponent) + 1 };
}

/** The exact value of the double, rounded half to even. */
function rounded(value: number, to: { readonly digits: number } | { readonly fraction: number }): Decimal {
  if (value === 0) return { digits: '', point: 1 };
  const { mantissa, exponent } = parts(value);
  const all = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent);
  const written = all.toString();
  const point = written.length + Math.min(exponent, 0);
  const kept = 'digits' in to ? to.digits : point + to.fraction;
  if (kept >= written.length) return { digits: written.replace(/0+$/, ''), point };
  if (kept < 0) return { digits: '', point };
  const unit = 10n ** BigInt(written.length - kept);
  const rest = all % unit;
  let whole = all / unit;
  if (rest * 2n > unit || (rest * 2n === unit && whole % 2n === 1n)) whole++;
  const digits = whole === 0n ? '' : whole.toString();
  return { digits: digits.replace(/0+$/, ''), point: point + Math.max(digits.length - kept, 0) };
}

function fixed(digits: string, point: number, fraction: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (fraction === 0) return whole;
  const after = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  return `${whole}.${after.slice(0, fraction).padEnd(fraction, '0')}`;
}

function scientific(digits: string, point: number, fraction: number, e: string): string {
  const exponent = digits === '' ? 0 : point - 1;
  const after = fraction > 0 ? `.${digits.slice(1, fraction + 1).padEnd(fraction, '0')}` : '';
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0] ?? '0'}${after}${e}${exponent < 0 ? '-' : '+'}${size}`;
}

/** A double as mantissa × 2^exponent. */
function parts(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const bits = new BigUint64Array(new Float64Array([value]).buffer)[0]!;
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  return exponent === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: exponent - 1075 };
}

function binary(value: number): string {
  const { mantissa, exponent } = parts(value);
  return `${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`;
}

function hexadecimal(value: number, precision: number): string {
  let { mantissa, exponent } = parts(value);
  if (value === 0) exponent = -52;
  while (mantissa !== 0n && mantissa < 1n << 52n) {
    mantissa <<= 1n;
    exponent--;
  }
  exponent += 52;
  if (precision >= 0 && precision < 13) {
    const dropped = BigInt((13 - precision) * 4);
    const unit = 1n << dropped;
    const rest = mantissa % unit;
    mantissa >>= dropped;
    if (rest * 2n > unit || (rest * 2n === unit && mantissa % 2n === 1n)) mantissa++;
    mantissa <<= dropped;
    if (mantissa >= 1n << 53n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const all = (mantissa & ((1n << 52n) - 1n)).toString(16).padStart(13, '0');
  const fraction = precision < 0 ? all.replace(/0+$/, '') : all.slice(0, precision).padEnd(precision, '0');
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `0x${mantissa >> 52n}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${size}`;
}
