import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskSecrets } from '../../../audit/mask/secrets.ts';
import { maskText, mayHoldSecret } from '../../../gateway/secrets/secret.ts';

const maskedJson = (value: unknown, indent?: number) =>
  JSON.parse(maskSecrets(JSON.stringify(value, null, indent)).text);

describe('a pair of a name and a value', () => {
  it.each<[unknown, unknown]>([
    [
      { name: 'password', value: 'hunter2' },
      { name: 'password', value: '***' },
    ],
    [
      { value: 'hunter2', name: 'password' },
      { value: '***', name: 'password' },
    ],
    [
      { key: 'client_secret', value: 12345 },
      { key: 'client_secret', value: '***' },
    ],
    [[{ Name: 'api_key', Value: 'abc' }], [{ Name: 'api_key', Value: '***' }]],
    [
      { fieldName: 'API Key', stringValue: 'abc' },
      { fieldName: 'API Key', stringValue: '***' },
    ],
    [
      { header: 'Authorization', values: ['abc', 'def'] },
      { header: 'Authorization', values: '***' },
    ],
    [
      { name: 'password', value: { a: 'Bearer abcdefghijkl12' } },
      { name: 'password', value: '***' },
    ],
    [
      { name: 'token', label: 'Token', value: 'abc' },
      { name: 'token', label: 'Token', value: '***' },
    ],
    [
      ['Authorization', 'abc'],
      ['Authorization', '***'],
    ],
    [
      [
        ['X-Api-Key', 'abc'],
        ['Accept', '*/*'],
      ],
      [
        ['X-Api-Key', '***'],
        ['Accept', '*/*'],
      ],
    ],
    [
      { op: 'replace', path: '/users/1/password', value: 'hunter2' },
      { op: 'replace', path: '/users/1/password', value: '***' },
    ],
    [
      { op: 'Replace', path: 'urn:ietf:params:scim:schemas:core:2.0:User:password', value: 'hunter2' },
      { op: 'Replace', path: 'urn:ietf:params:scim:schemas:core:2.0:User:password', value: '***' },
    ],
    [
      { value: { a: 1 }, path: 'credentials.apiKey', op: 'add' },
      { value: '***', path: 'credentials.apiKey', op: 'add' },
    ],
  ])('the pair %j is masked as %j', (value, masked) => {
    expect(maskedJson(value)).toEqual(masked);
    expect(maskedJson(value, 2)).toEqual(masked);
    expect(maskedJson(value, 12)).toEqual(masked);
  });

  it.each<[unknown]>([
    [{ name: 'colour', value: 'red' }],
    [{ name: 'password', value: '' }],
    [{ name: 'password', value: null }],
    [{ name: 'password', value: true }],
    [{ name: 'password', size: 12 }],
    [{ name: 'Please send me a new password, I forgot the one I had before', value: 'hello' }],
    [['password', 'email', 'phone']],
    [['password']],
    [['password', ['a', 'b']]],
    [{ key: 'PROJ-1', value: 'x' }],
    [{ outer: { name: 'password' }, value: 'x' }],
    [{ op: 'replace', path: '/password/expiry', value: '2026-11-29' }],
    [{ op: 'replace', path: '/emails/0', value: 'x' }],
    [{ path: '/oauth/token', value: 'x' }],
  ])('the value %j, which is no pair, is kept', (value) => expect(maskedJson(value)).toEqual(value));

  it('a masked pair tells where its value was, and hides what was masked within it', () => {
    const text = '{"v":{"value":{"pin":"1234"},"name":"secret","note":"ghp_abcdefghijklmnop1234"}}';
    expect(maskSecrets(text)).toEqual({
      text: '{"v":{"value":"***","name":"secret","note":"***"}}',
      places: ['/v/value', '/v/note'],
    });
  });

  it.each([
    ['name=password&value=hunter2', 'name=password&value=***'],
    ['value=hunter2&name=password', 'value=***&name=password'],
    ['a=1&key=api_key&value=abc&b=2', 'a=1&key=api_key&value=***&b=2'],
    ['sent {"name":"password","value":"hunter2"} twice', 'sent {"name":"password","value":"***"} twice'],
    ['{\\"Name\\":\\"api_key\\",\\"Value\\":\\"abc\\"}', '{\\"Name\\":\\"api_key\\",\\"Value\\":\\"***\\"}'],
    ['{"value": "hunter2", "name": "password"}', '{"value": "***", "name": "password"}'],
    ['headers [["Authorization","abc"],["Accept","*"]]', 'headers [["Authorization","***"],["Accept","*"]]'],
    ['name=colour&value=red', 'name=colour&value=red'],
    ['["password","email","phone"]', '["password","email","phone"]'],
  ])('the text %s is kept as %s', (text, kept) => expect(maskText(text)).toBe(kept));
});

describe('the fast filter', () => {
  const words =
    'pass word password passwd phrase code client secret access Token tokens api private key keys COOKIE credential authorization auth pwd jwt otp totp cvc CVV cvn pin number security verification card X max id count of 2'.split(
      ' ',
    );
  const name = fc
    .tuple(
      fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }),
      fc.constantFrom('', '_', '-', '.', ' ', '__', '2', ']['),
    )
    .map(([parts, between]) => parts.join(between));
  const label = fc.constantFrom(
    'name',
    'key',
    'Name',
    'header',
    'fieldName',
    'id',
    'type',
    'value',
    'Value',
    'values',
    'v',
    'note',
    'op',
    'path',
  );
  const path = fc.tuple(fc.constantFrom('/', 'a.', '/a/0/', 'urn:a:'), name).map((parts) => parts.join(''));
  const leaf = fc.oneof(name, path, fc.constantFrom('x', '', 'red', 12, 0, true, null, 'a=1', 'é'));
  const text = fc
    .array(fc.oneof(name, fc.constantFrom('name=', 'value=', 'x', '&', '"name":"', '","value":"', '["', '","', '"]')), {
      maxLength: 8,
    })
    .map((parts) => parts.join(''));
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      text,
      fc.dictionary(fc.oneof(label, name), tie('tree'), { maxKeys: 4 }),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.tuple(name, tie('tree')),
      fc.record({ name: name, value: tie('tree') }),
      fc.record({ op: fc.constant('add'), path, value: tie('tree') }),
    ),
  }));

  it('the fast filter finds paths to secrets with marks and letters beyond ASCII, and JSON that was quoted four times', () => {
    for (const name of ['clé_password', '$password', '#password', 'a(b)password', 'a,password']) {
      const json = JSON.stringify({ op: 'replace', path: name, value: 'x' });
      expect(maskSecrets(json).places).not.toEqual([]);
      expect(mayHoldSecret(json)).toBe(true);
    }
    let json = JSON.stringify({ password: 'hunter2' });
    for (let i = 0; i < 4; i++) {
      json = JSON.stringify({ note: json });
      expect(mayHoldSecret(json)).toBe(true);
    }
  });

  it('the fast filter finds all that the careful mask replaces, however it is written', () => {
    const written = fc
      .tuple(tree, fc.constantFrom(0, 2, 10), fc.constantFrom(0, 1, 2))
      .map(([value, indent, quoted]) => {
        let json = JSON.stringify({ body: value }, null, indent);
        for (let i = 0; i < quoted; i++) json = JSON.stringify({ note: json });
        return json;
      });
    fc.assert(
      fc.property(written, (json) => {
        expect(mayHoldSecret(json) || maskSecrets(json).places.length === 0).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  it('the fast filter finds every name that the careful mask knows, whatever stands between and after its words', () => {
    const separators = [...' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~é\n', '', '\u200b', '________', '__________'];
    const odd = fc
      .tuple(
        fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...separators),
        fc.constantFrom(...separators, `_${'x'.repeat(50)}`, `_${'x'.repeat(70)}`),
      )
      .map(([parts, between, end]) => parts.join(between) + end);
    fc.assert(
      fc.property(odd, (each) => {
        const json = JSON.stringify({ body: { [each]: 'v' } });
        expect(mayHoldSecret(json) || maskSecrets(json).places.length === 0).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  it('words between a name in a form and the end of the text do not hide it from the fast filter', () => {
    const json = '{"body":"value=x&name=password (new)"}';
    expect([mayHoldSecret(json), maskSecrets(json).places]).toEqual([true, ['/body']]);
  });

  it('white space of any length hides no name from the fast filter', () => {
    for (const space of ['', ' ', ' '.repeat(9), '\n'.repeat(40)]) {
      for (const json of [
        `{"password"${space}:"x"}`,
        `{"name":"password"${space},"value":"x"}`,
        `{"value":"x","name":"password"${space}}`,
        `["password"${space},"x"]`,
      ])
        expect([json, mayHoldSecret(json), maskSecrets(json).places.length]).toEqual([json, true, 1]);
    }
  });
});
