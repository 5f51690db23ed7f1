import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCardNumber } from '../../../gateway/secrets/card-number.ts';
import { isSecretName } from '../../../gateway/secrets/secret-name.ts';
import { maskPath, maskText, mayHoldSecret } from '../../../gateway/secrets/secret.ts';

describe('secret names', () => {
  it.each(
    'password Password2 new_password passwd PASSPHRASE pwd apiKey X-Api-Key APIKey API_KEY clientSecret clientsecret access_token refreshToken x-auth-token cookie Set-Cookie cvc CVV2 card_cvv pin pinCode card_pin authorization Proxy-Authorization auth privateKey private-key otp user[password] sessionToken accessTokens jwt credentials secret_key signing-key securityCode'.split(
      ' ',
    ),
  )('the name %s says that its value is a secret', (name) => expect(isSecretName(name)).toBe(true));

  it.each(
    'max_tokens token_count input_tokens tokens token_type expires_in key idempotency-key issue_key partition_key public_key author authors shipping pinned spin page_token nextPageToken continuationToken password_updated_at secret_name access_key_id keyboard secretary cookies_enabled'.split(
      ' ',
    ),
  )('the name %s does not say that its value is a secret', (name) => expect(isSecretName(name)).toBe(false));
});

describe('card numbers', () => {
  it.each(['4242424242424242', '378282246310005', '5555555555554444', '6011111111111117', '30569309025904'])(
    '%s is a card number',
    (digits) => expect(isCardNumber(digits)).toBe(true),
  );

  it.each([
    ['4242424242424241', 'which fails the check'],
    ['1234567812345670', 'which no scheme issues'],
    ['1762333200000', 'a time'],
    ['00000000000000000', 'zeros'],
  ])('%s is not a card number: %s', (digits) => expect(isCardNumber(digits)).toBe(false));
});

describe('masked texts', () => {
  it.each([
    ['Bearer abc', 'Bearer ***'],
    ['send it with Bearer abcdef1234567890 please', 'send it with Bearer *** please'],
    ['Basic dXNlcjpwYXNz', 'Basic ***'],
    ['key sk_live_abcdefgh12345, thanks', 'key ***, thanks'],
    ['ghp_abcdefghijklmnop1234', '***'],
    ['hp_Zm9vYmFyYmF6cXV4', '***'],
    ['xoxb-12345678-abc', '***'],
    ['AKIAIOSFODNN7EXAMPLE', '***'],
    ['eyJhbGciOi.eyJzdWIi.abc', '***'],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- tail', '*** tail'],
    ['-----BEGIN PRIVATE KEY-----\ncut off', '***'],
    ['git clone https://user:hunter2@host/r', 'git clone https://user:***@host/r'],
    ['https://host/?access_token=abc&x=1', 'https://host/?access_token=***&x=1'],
    ['https://hooks.slack.com/services/T1/B2/xyz', 'https://hooks.slack.com/services/***'],
    ['{"password":"my pass","a":1}', '{"password":"***","a":1}'],
    [String.raw`{"body":"{\"api_key\":\"abc\",\"a\":1}"}`, String.raw`{"body":"{\"api_key\":\"***\",\"a\":1}"}`],
    ["{'password': 'my pass', 'a': 1}", "{'password': '***', 'a': 1}"],
    [String.raw`{"password":"my \"pass\" 1","a":1}`, '{"password":"***","a":1}'],
    [String.raw`{"body":"{\"api_key\":\"a\\\"bc\",\"a\":1}"}`, String.raw`{"body":"{\"api_key\":\"***\",\"a\":1}"}`],
    ['password: hunter2, and so on', 'password: ***, and so on'],
    ['Authorization: Bearer abcdefgh', 'Authorization: Bearer ***'],
    ['card 4242 4242 4242 4242 12/27', 'card *** 12/27'],
    ['4242-4242-4242-4242', '***'],
    ['4242 4242 4242 4242 123', '*** 123'],
  ])('the text %s is kept without its secret', (text, kept) => expect(maskText(text)).toBe(kept));

  it.each([
    'Basic membership',
    'the bearer of good news',
    'max_tokens=12',
    'order 4242424242424241 of 1762333200000',
    'https://host/a:b/c@d',
    'ratio 0.4242424242424242',
    '8c7b1c1e-2b5e-4b0e-9f5f-6a1f2f3c4d5e',
  ])('the text %s is kept whole', (text) => expect(maskText(text)).toBe(text));

  it('a path is masked by its decoded segments', () => {
    expect(maskPath('/cards/4242%204242%204242%204242/x')).toBe('/cards/***/x');
    expect(maskPath('/a%20b/ghp_abcdefghijklmnop1234')).toBe('/a%20b/***');
    expect(maskPath('/v1/refunds')).toBe('/v1/refunds');
    expect(maskPath('/a/%67hp%5Fabcdefghijklmnop1234%E9')).toBe('/a/***%25E9');
    expect(maskPath('/a/ghp%255Fabcdefghijklmnop1234%2Fx')).toBe('/a/***%2Fx');
    expect(maskPath('/caf%E9/50%2525')).toBe('/caf%E9/50%2525');
  });

  const pieces =
    'password|pass_word|Token|cvc|pin|auth|api-key|secret|Cookie|otp|security code|"|\'|\\|:|=| |-|4242424242424242|4242|Bearer |Basic |dXNlcjpwYXNz|abc|\n|ghp_|sk_live_|eyJ|.|abcdefghijklmnop|https://|@|u|/|AKIA|ABCDEFGHIJKLMNOP'.split(
      '|',
    );

  it('the fast filter finds a card number after an escape, as Python writes letters beyond ASCII', () => {
    for (const before of ['\\u00a0', 'Karte:\\u00a0', '\\u20ac', '\\u201c', 'a\\n'])
      expect(mayHoldSecret(`{"note":"${before}4242 4242 4242 4242"}`)).toBe(true);
  });

  it('a text is kept whole if the fast filter finds no secret in its JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        expect(mayHoldSecret(JSON.stringify(text)) ? text : maskText(text)).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  const words =
    'pass word password passwd phrase code client secret access Token tokens api private key keys COOKIE credential authorization auth pwd jwt otp totp cvc CVV cvn pin number security verification card X max id count of 2'.split(
      ' ',
    );

  it('the fast filter finds every secret name', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }),
        fc.constantFrom('', '_', '-', '.', ' ', '__', '2', ']['),
        fc.constantFrom('":"x"', '": 1', '\\":\\"x', '=x'),
        (parts, between, value) => {
          const name = parts.join(between);
          expect(mayHoldSecret(`"${name}${value}`) || !isSecretName(name)).toBe(true);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
