/** Last words of names that describe a secret without being one. */
const ABOUT =
  /(?:^|_)(?:count|type|kind|ids?|name|length|size|limit|policy|expiry|expires|expiration|at|in|on|date|time|hint|strength|enabled|required|version|status|usage|used|remaining|budget)$/;
/** Positions in a list, which many APIs call tokens. */
const CURSOR = /(?:page|next|continuation|sync|cursor)_?token$/;

const SECRET = new RegExp(
  [
    'pass_?(?:word|wd|phrase|code)',
    '(?:secret|token|cookie|credentials?|authori[sz]ation)$',
    '(?:^|_)(?:secrets?|token|cookies?|credentials?|authori[sz]ation|pwd|jwt|t?otp|cv[cvn])(?:_|$)',
    '(?:^|_)auth$',
    '(?:api|private|secret|access|signing|encryption|auth|master|ssh|shared|session)_?keys?(?:_|$)',
    '(?:^|_)(?:access|refresh|auth|bearer|session|api|id|csrf|security|device)_?tokens$',
    '(?:security|verification|card)_?code$',
    '(?:^|_)pin(?:_?(?:code|number))?$',
  ].join('|'),
);

/** Splits `clientSecret`, `client-secret`, `CLIENT_SECRET2` and `X-Client.Secret` into the same words. */
const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;

/** The words of a name in lower case, with `_` between them. */
export function wordsOf(name: string): string {
  return (name.match(WORD) ?? []).join('_').toLowerCase();
}

/**
 * The end of a name, which alone counts: `mayHoldSecret` finds a name in JSON text by it, and looks past none of the
 * characters that JSON may escape or that end a name elsewhere. A colon or an equals sign after it is not part of it.
 */
const END = /[ !#-%(-+\-.0-9;<>-Z[\]^-z|~]{0,60}$/;
/** Words that are so far apart are not of one name. */
const WIDE_GAP = /[^A-Za-z]{9,}/;

/** As `wordsOf`, of the end of a name. */
function lastWordsOf(name: string): string {
  const end = END.exec(name.slice(-61).replace(/[:=]$/, ''))?.[0] ?? '';
  return end.split(WIDE_GAP).map(wordsOf).join('__');
}

const known = new Map<string, boolean>();
const MOST_KNOWN = 4096;
const LONGEST_KNOWN = 64;

/**
 * Whether a member of this name holds a secret, by the name alone: credentials (`api_key`, `accessToken`,
 * `X-Auth-Token`, `password2`, `Cookie`) and card authorisation (`cvc`, `pin`). Not `max_tokens`, `token_count`, `key`,
 * `page_token` or `idempotency-key`.
 */
export function isSecretName(name: string): boolean {
  let secret = known.get(name);
  if (secret === undefined) {
    const words = lastWordsOf(name);
    secret = SECRET.test(words) && !ABOUT.test(words) && !CURSOR.test(words);
    if (name.length <= LONGEST_KNOWN) {
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(name, secret);
    }
  }
  return secret;
}
