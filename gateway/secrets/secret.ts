import { maskCardNumbers } from './card-number.ts';
import { namesSecret, pairMember } from './pair.ts';
import { isSecretName } from './secret-name.ts';

/** Replaces each secret. */
export const MASK = '***';

/** Tokens with a known prefix. None of these can match for long and then fail, so time stays linear. */
const TOKENS = new RegExp(
  [
    // Ours; Stripe, OpenAI and others; GitHub; GitLab; Slack; npm; Shopify; Notion; Atlassian; AWS; Google.
    '(?<![A-Za-z0-9])(?:hp_[\\w-]{16,}|[sr]k_(?:live|test)_\\w{8,}|sk-[\\w-]{16,}|whsec_[\\w+/=-]{16,}',
    'gh[pousr]_\\w{16,}|github_pat_\\w{16,}|glpat-[\\w-]{16,}|xox[a-z]-[\\w-]{8,}|xapp-[\\w-]{8,}|npm_\\w{20,}',
    'shp(?:at|ca|pa|ss)_\\w{16,}|ntn_\\w{16,}|ATATT[\\w=-]{16,}|A[KS]IA[A-Z0-9]{12,}|AIza[\\w-]{30,}|ya29\\.[\\w.-]{16,})',
    // SendGrid; JSON Web Tokens (RFC 7519).
    '(?<![\\w-])(?:SG\\.[\\w-]{8,}\\.[\\w-]{8,}|eyJ[\\w-]{4,}\\.[\\w-]{4,}\\.[\\w-]*)',
    '-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)',
  ].join('|'),
  'g',
);

/** The credential after the scheme of an Authorization header; `isCredential` decides whether it is one. */
const SCHEME = /\b(bearer|basic)(\s+)([\w\-.~+/]+=*)/gi;
/** The password in a URL, and the path of a Slack webhook, which is all one needs to post there. */
const IN_URLS = /(:\/\/[^/\s:@]*:)[^/\s@]+(?=@)|(hooks\.slack\.com\/(?:services|workflows)\/)[\w/]+/g;
/**
 * `name=value` and `"name": "value"` within a text, also in JSON that was quoted again: a value ends at a quotation
 * mark with as many backslashes as the first has, since one inside the value has more.
 */
const NAMED = /(?<![\w.-])([A-Za-z][\w.-]{0,60})\\{0,8}["']? {0,8}[:=]\s{0,8}/g;
const VALUE = /(\\{0,8}["'])[^]*?(?=(?<!\\)\1|$)|((?:(?:[Bb]earer|[Bb]asic|[Tt]oken)\s)?)[^\s"',;&{}[\]\\]+/y;

/** Spells out both cases, which is faster than the `i` flag. */
const anyCase = (pattern: string) => pattern.replace(/(?<!\\)[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);

/** The characters of the end of a name (see `isSecretName`), and those of them that are no letters. */
const IN_NAME = '[ !#-%(-+\\-.0-9;<>-Z[\\]^-z|~]';
const NO_LETTER = '[ !#-%(-+\\-.0-9;<>-@[\\]^-`|~]';
/**
 * The end of a name in a pair, which has its value elsewhere: all of a text in quotation marks; the end of a path there; or
 * a field of a form, also with other words between it and the end of the text.
 */
const NAME_BEFORE = `(?:["'][^"']{0,120}|[/.:=]${IN_NAME}{0,120})`;
const PAIRED = `\\\\{0,17}["'](?<=${NAME_BEFORE}\\\\{0,17}["'])(?:\\s|\\\\{1,8}[nrt])*[,}\\]]|&`;
const GAP = `${NO_LETTER}{0,8}`;
const NAME_END = `\\\\{0,17}["']?\\s{0,8}[:=]|\\\\{0,17}["']\\s*:|${PAIRED}`;
/** What may stand between part of a name and what ends it. To its last character at once, without a look at each. */
const REST = `${IN_NAME}{0,60}(?!${IN_NAME})(?:${NAME_END})`;
const END = `${GAP}(?!${NO_LETTER})(?:${NAME_END})`;

/**
 * Cheap signs of everything that may be a secret, in JSON text as well as in its values. Every call is searched, so
 * each pattern starts with a rare character or a short class and then looks back: the regular expression engine is fast
 * at these.
 */
const MARKS = [
  // Names that `isSecretName` knows: token, cookie, cvc, pwd, jwt, password, passphrase, and keys.
  `[kKvVwWhH]${anyCase(`(?<=tok|cook|cv|pw|jw|ss${GAP}w|ss${GAP}ph|(?:api|ate|cret|cess|ing|ion|uth|ter|ssh|red)${GAP}k)`)}${REST}`,
  // secret, credential
  `${anyCase('cre')}[tTdD]${REST}`,
  `${anyCase('uth')}(?:${anyCase('ori')}[sSzZ]${REST}|${END})`,
  `${anyCase('otp')}${REST}`,
  `${anyCase(`pin(?:${GAP}(?:code|number))?`)}${END}`,
  `${anyCase(`code(?<=(?:rity|tion|card|pass)${GAP}code)`)}${REST}`,
  `[bB][eEaA][aAsS][rRiI][eEcC][rR]?[\\s\\\\]`,
  '[_-](?<=(?:hp|sk|rk|whsec|gh[pousr]|pat|xox[a-z]|xapp|npm|shp[acs][ats]|ntn)[_-]|-----)',
  'A(?:KIA|SIA|Iza|TATT)',
  '[eSy][yGa][J.2]',
  'ks\\.slack|:\\\\?/\\\\?/[^/\\s"@:]*:[^/\\s"@]*@',
  // Digits; not inside an identifier, unless what is before them belongs to a JSON escape.
  `(?:(?<![A-Za-z0-9])|(?<=\\\\(?:[bfnrt]|u[0-9a-fA-F]{4})))\\d${'[ -]?\\d'.repeat(12)}`,
  // An escaped letter or digit, which JSON never needs, may hide any of the above.
  '\\\\u00[2-7]',
].map((mark) => new RegExp(mark));

/**
 * Whether a text, or a member of a JSON text, may contain a secret: a fast filter. False means that it contains none
 * that this module knows.
 */
export function mayHoldSecret(text: string): boolean {
  for (const mark of MARKS) if (mark.test(text)) return true;
  return false;
}

/**
 * The text with everything that looks like a secret replaced by `***`: known tokens, credentials of Authorization
 * headers, private keys, passwords in URLs and after their names, card numbers.
 */
export function maskText(text: string): string {
  // No token or card number is this short; any other secret follows a name or a scheme.
  if ((text.length < 12 && !/[:=\s]/.test(text)) || !mayHoldSecret(closed(text))) return text;
  const masked = text
    .replace(TOKENS, MASK)
    .replace(SCHEME, (all, scheme: string, space: string, value: string) =>
      isCredential(scheme, value, all === text) ? `${scheme}${space}${MASK}` : all,
    )
    .replace(IN_URLS, `$1$2${MASK}`);
  return maskCardNumbers(maskNamed(maskPairs(masked)), MASK);
}

/** A field that ends with the text ends like any other. */
function closed(text: string): string {
  return text.includes('=') ? `${text}&` : text;
}

type Field = { readonly start: number; readonly end: number; readonly name: string; readonly value: string };

/** What may stand between two fields of one object or form, and not between those of two. */
const SAME_OBJECT = /^\\{0,8}["']?(?:(?:\s|\\{1,8}[nrt])*,(?:\s|\\{1,8}[nrt])*|&)\\{0,8}["']?$/;
/** The beginning of a pair as a list, such as `["Authorization", `. */
const LISTED = /\[\s{0,8}(\\{0,8}["'])([A-Za-z][\w .\-[\]]{0,39})\1\s{0,8},\s{0,8}/g;
const LIST_END = /(?:\\{0,8}["'])?\s{0,8}\]/y;

/** The values of pairs whose name says that it is a secret, in running text: `name=password&value=…`, `["password","…"]`. */
function maskPairs(text: string): string {
  const found: { readonly start: number; readonly end: number }[] = [];
  let before: Field | null = null;
  NAMED.lastIndex = 0;
  for (let named = NAMED.exec(text); named !== null; named = NAMED.exec(text)) {
    const field = valueAt(text, NAMED.lastIndex, named[1]!);
    if (field === null) continue;
    NAMED.lastIndex = field.end;
    // With the quotation mark before the name, which NAMED leaves out.
    if (before && SAME_OBJECT.test(text.slice(before.end, named.index))) {
      if (namesItsValue(before, field)) found.push(field);
      else if (namesItsValue(field, before)) found.push(before);
    }
    before = field;
  }
  for (const listed of text.matchAll(LISTED)) {
    if (!namesSecret(listed[2]!)) continue;
    const field = valueAt(text, listed.index + listed[0].length, '');
    LIST_END.lastIndex = field?.end ?? 0;
    if (field && LIST_END.test(text)) found.push(field);
  }
  let masked = '';
  let done = 0;
  for (const { start, end } of found.toSorted((a, b) => a.start - b.start)) {
    if (start < done) continue;
    masked += text.slice(done, start) + MASK;
    done = end;
  }
  return done === 0 ? text : masked + text.slice(done);
}

function valueAt(text: string, at: number, name: string): Field | null {
  VALUE.lastIndex = at;
  const value = VALUE.exec(text);
  if (value === null) return null;
  const start = value.index + (value[1] ?? value[2]!).length;
  return { start, end: VALUE.lastIndex, name, value: text.slice(start, VALUE.lastIndex) };
}

function namesItsValue(one: Field, other: Field): boolean {
  return (
    pairMember(one.name) === 'name' &&
    pairMember(other.name) === 'value' &&
    other.value !== '' &&
    namesSecret(one.value)
  );
}

/** The values that follow secret names in running text. */
function maskNamed(text: string): string {
  let masked = '';
  let done = 0;
  NAMED.lastIndex = 0;
  for (let named = NAMED.exec(text); named !== null; named = NAMED.exec(text)) {
    if (!isSecretName(named[1]!)) continue;
    VALUE.lastIndex = NAMED.lastIndex;
    const value = VALUE.exec(text);
    if (value === null) continue;
    masked += text.slice(done, value.index) + (value[1] ?? value[2]) + MASK;
    done = NAMED.lastIndex = VALUE.lastIndex;
  }
  return done === 0 ? text : masked + text.slice(done);
}

/** "Basic membership" and "bearer of news" are words. */
function isCredential(scheme: string, value: string, alone: boolean): boolean {
  if (scheme.toLowerCase() === 'basic') return Buffer.from(value, 'base64').includes(':');
  return alone || value.length >= 20 || (value.length >= 8 && /[\d\-_~+/]/.test(value));
}

/** A path with its segments masked, decoded first. */
export function maskPath(path: string): string {
  if (!path.includes('%')) return maskText(path);
  return path
    .split('/')
    .map((segment) => {
      const text = decoded(segment);
      const masked = maskText(text);
      return masked === text ? segment : encodeURIComponent(masked);
    })
    .join('/');
}

/** Decoded to the end. Secrets are ASCII, so that is all that is decoded of a segment that is not UTF-8. */
function decoded(segment: string): string {
  const once = segment.replace(/%(?:25)+(?=[0-9a-f]{2})/gi, '%');
  try {
    return decodeURIComponent(once);
  } catch {
    return once.replace(/%[2-7][0-9a-f]/gi, decodeURIComponent);
  }
}
