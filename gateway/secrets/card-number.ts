/**
 * A run of 13 or more digits, with single spaces or dashes between them; not inside a word, and not the decimals of a
 * number.
 */
const RUN = /(?<![A-Za-z0-9]|\d\.)\d(?:[ -]?\d){12,}(?![A-Za-z0-9]|\.\d)/g;

/** Prefixes and lengths of the card schemes. Other digits are order numbers and the like. */
const SCHEMES = [
  /^4(?:\d{12}|\d{15}|\d{18})$/, // Visa
  /^(?:5[1-5]|2[2-7])\d{14}$/, // Mastercard
  /^3[47]\d{13}$/, // American Express
  /^3(?:0[0-5]|095|[689]\d)\d{11}$/, // Diners Club
  /^(?:6011|64[4-9]|65|35)\d{12,17}$/, // Discover, JCB
  /^(?:62|81)\d{14,17}$/, // UnionPay
  /^(?:50|5[6-8]|6[37])\d{11,17}$/, // Maestro
];

/** The text with every card number replaced. */
export function maskCardNumbers(text: string, mask: string): string {
  return text.replace(RUN, (run) => maskRun(run, mask));
}

/**
 * A run may contain more than the card number, such as a date or a check code after it. Cards start and end at gaps.
 */
function maskRun(run: string, mask: string): string {
  const parts = run.split(/([ -])/);
  for (let from = 0; from < parts.length; from += 2) {
    let digits = '';
    for (let to = from; to < parts.length && digits.length < 19; to += 2) {
      digits += parts[to]!;
      if (isCardNumber(digits)) {
        parts.splice(from, to - from + 1, mask);
        break;
      }
    }
  }
  return parts.join('');
}

/** @param digits only digits */
export function isCardNumber(digits: string): boolean {
  if (digits.length < 13 || digits.length > 19) return false;
  return SCHEMES.some((scheme) => scheme.test(digits)) && passesLuhn(digits);
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, double = false; i >= 0; i--, double = !double) {
    const digit = digits.charCodeAt(i) - 48;
    sum += double ? (digit < 5 ? 2 * digit : 2 * digit - 9) : digit;
  }
  return sum % 10 === 0;
}
