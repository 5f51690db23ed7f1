import { maskCardNumbers } from './card-number.ts';
import { isSecretName } from './secret-name.ts';

/** What stands for whatever was taken out. */
export const MASK = '***';

/** Tokens that are known by how they begin. None of these can match for long and then fail: time stays linear. */
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

/** The value behind the scheme of an Authorization header; whether it is one is looked at closer. */
const SCHEME = /\b(bearer|basic)(\s+)([\w\-.~+/]+=*)/gi;
/** The password of a URL, and the paths of Slack's webhooks, which are all that one needs to write there. */
const IN_URLS = /(:\/\/[^/\s:@]*:)[^/\s@]+(?=@)|(hooks\.slack\.com\/(?:services|workflows)\/)[\w/]+/g;
/**
 * `name=value` and `"name": "value"` inside of a text, also where the text is JSON that was quoted once more: a value ends
 * at a quotation mark with as many backslashes as there were before the first, as one within it has more.
 */
const NAMED = /(?<![\w.-])([A-Za-z][\w.-]{0,60})\\{0,8}["']? {0,8}[:=]\s{0,8}/g;
const VALUE = /(\\{0,8}["'])[^]*?(?=(?<!\\)\1|$)|((?:(?:[Bb]earer|[Bb]asic|[Tt]oken)\s)?)[^\s"',;&{}[\]\\]+/y;

/** Written out for either case, which is several times faster than the flag. */
const anyCase = (pattern: string) => pattern.replace(/(?<!\\)[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);

/** What may stand between a part of a name and the colon or the equals sign behind it. */
const REST = `[\\w .\\-[\\]$]{0,60}\\\\{0,8}["']?\\s{0,8}[:=]`;
const END = `[\\d_\\-. [\\]]{0,8}\\\\{0,8}["']?\\s{0,8}[:=]`;
const GAP = '[\\d_\\-. [\\]]{0,8}';

/**
 * The beginnings of everything that is a secret, and more; in JSON text as well as in what it says. Each looks for rare
 * characters or short runs of classes first and behind itself then: the engine is quick at these, and every call of every
 * agent is looked at.
 */
const MARKS = [
  // Names, as far as `isSecretName` needs them: token, cookie, cvc, pwd, jwt, password, passphrase, and keys.
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
  // Digits; not in the middle of an identifier, unless the letter before them belongs to an escape in JSON.
  `(?:(?<![A-Za-z0-9])|(?<=\\\\[bfnrt]))\\d${'[ -]?\\d'.repeat(12)}`,
  // A letter or digit that JSON need not escape: whoever does may hide any of the above.
  '\\\\u00[2-7]',
].map((mark) => new RegExp(mark));

/**
 * Whether there may be a secret in a text or in the members of a JSON text: a quick look, so that what has none is not
 * looked at closer. False means that there is none that this module knows.
 */
export function mayHoldSecret(text: string): boolean {
  for (const mark of MARKS) if (mark.test(text)) return true;
  return false;
}

/**
 * The text with `***` in the place of everything that looks like a secret: known kinds of tokens, values of Authorization
 * headers, private keys, passwords in URLs and behind their names, card numbers.
 */
export function maskText(text: string): string {
  // No token is as short as that, and neither is a card; anything else has a name or a scheme before it.
  if ((text.length < 12 && !/[:=\s]/.test(text)) || !mayHoldSecret(text)) return text;
  const masked = text
    .replace(TOKENS, MASK)
    .replace(SCHEME, (all, scheme: string, space: string, value: string) =>
      isCredential(scheme, value, all === text) ? `${scheme}${space}${MASK}` : all,
    )
    .replace(IN_URLS, `$1$2${MASK}`);
  return maskCardNumbers(maskNamed(masked), MASK);
}

/** What stands behind names of secrets in running text. */
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

/** A path with its segments masked, as they read when decoded. */
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

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
