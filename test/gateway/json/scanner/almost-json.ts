import * as fc from 'fast-check';

const WORDS = [
  'token tok cook ie cv pw jw ss ph w api ate cret cess ing ion uth ter ssh red k K key secret cred ori s z otp pin code',
  'number rity tion card pass bearer Basic hp_ sk_ sk- rk_ whsec_ ghp_ gho_ ghr_ pat_ xoxb- xapp- npm_ shpat_ shpca_',
  'shpss_ ntn_ ----- AKIA ASIA AIza ATATT eyJ SG. ya29 J.2 ks.slack :// ://u:p@ / : @ = & \\" \\\\ \\n \\u0041 \\u00e9',
  "\\ud83d\\ude00 - _ . , [ ] ( ) ' 1 4111111111111111 12345 é x live test value name \u2028 \u007f \u{1f600}",
]
  .flatMap((words) => words.split(' '))
  .concat(' ', '4111 1111 1111 1111', '2026-11-30 08:49:26');
const NOT_JSON = ['"', '\\ud83d', '\\ude00', '\\x', '\\', '\t', '\n', '\0'];

const text = (words: readonly string[]) =>
  fc
    .array(
      fc.constantFrom(...words, ...words.map((word) => word.toUpperCase()).filter((word) => !word.includes('\\'))),
      {
        maxLength: 6,
      },
    )
    .map((parts) => parts.join(''));

const number = fc.oneof(
  fc.constantFrom(
    '0',
    '-1',
    '100',
    '01',
    '1.',
    '-',
    '1e5',
    '-0',
    '0.0001',
    '+1',
    '1a',
    '1234567890123',
    '4111111111111111',
  ),
  fc.nat(340).map((length) => '9'.repeat(length)),
);
const name = fc.oneof(
  fc.constantFrom(
    'a',
    'A',
    'amount',
    'Amount',
    'name',
    'value',
    'password',
    '',
    '_method',
    '\\u0061',
    'é',
    '@',
    '`',
    '{',
  ),
  text(WORDS),
);
const space = fc.oneof(
  { weight: 9, arbitrary: fc.constant('') },
  fc.constantFrom(' ', '\n', '\t', '\r\n', '\v', '\u00a0'),
);

/** Texts of JSON values with these strings and other values. */
function valueOf(string: fc.Arbitrary<string>, other: fc.Arbitrary<string>, between: fc.Arbitrary<string>) {
  return fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      string.map((content) => `"${content}"`),
      other,
      tie('object'),
      tie('list'),
    ),
    object: fc
      .array(
        fc
          .tuple(between, name, between, tie('value'), between)
          .map(([a, key, b, value, c]) => `${a}"${key}"${b}:${value}${c}`),
        { maxLength: 10 },
      )
      .map((members) => `{${members.join(',')}}`),
    list: fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(',')}]`),
  }));
}

const literal = fc.constantFrom('true', 'false', 'null', 'nul', 'True');

/** Bytes that are JSON, or nearly. */
export const almostJson: fc.Arbitrary<Buffer> = fc
  .tuple(
    fc.oneof(
      valueOf(text([...WORDS, ...NOT_JSON]), fc.oneof(number, literal), space).value,
      valueOf(text(WORDS), fc.oneof(number, literal), fc.constant('')).object,
      fc.integer({ min: 120, max: 134 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
    ),
    fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      fc.tuple(
        fc.nat(),
        fc.constantFrom(0x22, 0x5c, 0x2c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d, 0, 0x1a, 0xff, 0xc3, 0x30, 0x20),
      ),
      fc.nat(),
    ),
    // Strings of some length move what follows over the borders between blocks of 64 bytes.
    fc.nat(70),
  )
  .map(([json, damage, shift]) => {
    const bytes = Buffer.from(shift > 0 ? `["${'x'.repeat(shift)}",${json}]` : json);
    if (damage === null || bytes.length === 0) return bytes;
    if (typeof damage === 'number') {
      const at = damage % bytes.length;
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    }
    bytes[damage[0] % bytes.length] = damage[1];
    return bytes;
  });

/** The parts of a name that tells of a secret, with what may stand between and behind them. */
const parted = fc
  .tuple(
    fc.constantFrom(
      'tok',
      'cook',
      'api',
      'priv',
      'ate',
      'cret',
      'cess',
      'sign',
      'ing',
      'ion',
      'uth',
      'ter',
      'ssh',
      'red',
    ),
    fc.constantFrom('ss', 'pa', 'pin', 'otp', 'cre', 'cv', 'pw', 'jw', 'rity', 'card', ''),
    fc.string({ unit: fc.constantFrom(...' !#$*+-.09;<>?@[]^_`|~a'), maxLength: 3 }),
    fc.constantFrom('k', 'w', 'ph', 'ey', 'key', 'word', 'code', 'number', 't', 'd', 'ori', 'oris', ''),
    fc.constantFrom('', 's', ' of', '_1', 'é'),
    fc.constantFrom('', ':', '=', '&', '\\"', '\\":', ' ', ' ='),
    fc.boolean(),
  )
  .map(([a, b, gap, end, rest, after, isUpper]) => {
    const name = a + b + gap + end + rest;
    return (isUpper ? name.toUpperCase() : name) + after;
  });

/** Objects and lists full of parts of what may be a secret. */
export const signsOfSecrets: fc.Arbitrary<string> = fc.oneof(
  valueOf(text(WORDS), number, fc.constant('')).object,
  fc.tuple(fc.nat(70), parted).map(([shift, value]) => `{"note":"${'x'.repeat(shift)}","text":["${value}"]}`),
  fc.tuple(parted, parted).map(([key, value]) => `{"${key}":"a","b":{"${value}":1}}`),
  fc.tuple(fc.nat(70), text(WORDS)).map(([shift, value]) => `{"note":"${'x'.repeat(shift)}","text":"${value}"}`),
  fc.tuple(text(WORDS), text(WORDS)).map(([key, value]) => `{"${key}":"a","b":["${value}"]}`),
);
