import fc from 'fast-check';

/** More than policy allows. A reader that reads it must have been judged on it. */
export const TOO_MUCH = '99999';
const ALLOWED = '1';

export type Sent = { readonly target: string; readonly type: string | null; readonly body: string };

const amount = fc.constantFrom(ALLOWED, ALLOWED, TOO_MUCH);
const TYPES = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', null] as const;

const jsonName = fc.constantFrom(
  'amount',
  'Amount',
  'AMOUNT',
  'amoUnt',
  String.raw`\u0061mount`,
  String.raw`amount\u0000`,
  ' amount',
  'amount ',
  'other',
  '&amount',
  'x',
);
const jsonText = fc.constantFrom(
  `"&amount=${TOO_MUCH}&"`,
  `"&amount=${ALLOWED}&"`,
  '"https://a.example/?a=1&b=2"',
  '"x"',
  'null',
  '[]',
);
const jsonValue = fc.oneof(
  { weight: 3, arbitrary: amount },
  amount.map((each) => `"${each}"`),
  amount.map((each) => `[${each}]`),
  amount.map((each) => `{"amount":${each}}`),
  amount.map((each) => `${each}.0e0`),
  jsonText,
);
const jsonBody = fc
  .tuple(
    fc.constantFrom('', '\ufeff', ' ', '\n'),
    fc.array(fc.tuple(jsonName, jsonValue), { maxLength: 4 }),
    fc.constantFrom('', '\n', ' x', ',', '&amount=1'),
  )
  .map(
    ([before, members, after]) =>
      `${before}{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}${after}`,
  );

const formName = fc.constantFrom(
  'amount',
  'amount',
  '+amount',
  ' amount',
  'amount+',
  'amount%00',
  'amount%00x',
  '%61mount',
  'Amount',
  'amount[]',
  'amount[0]',
  'amount[x]',
  'amount.x',
  'amount]',
  '[amount',
  'amount[',
  'x[amount]',
  '[amount]',
  'a%6dount',
  'other',
  '%C3%A9',
  '%E9',
  '',
);
const formField = fc.tuple(
  formName,
  fc.constantFrom('=', '=', '=', '', '==', '%3D'),
  amount,
  fc.constantFrom('', '', '', '[p]=1', ';amount=99999', '%26amount=99999', '%00', '+'),
);
const formBody = fc
  .tuple(fc.array(formField, { maxLength: 4 }), fc.constantFrom('&', '&', '&', ';', '&&', '& ', '\n', '%26'))
  .map(([fields, separator]) => fields.map((parts) => parts.join('')).join(separator));

/** Bodies and queries as attackers and careless clients write them, of the type that they say or of another. */
export const sent: fc.Arbitrary<Sent> = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.constant('application/json'), jsonBody),
      fc.tuple(fc.constant('application/x-www-form-urlencoded'), formBody),
      fc.tuple(fc.constantFrom(...TYPES), fc.oneof(jsonBody, formBody)),
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      formBody.map((query) => `?${query.replaceAll(/[^!-~]/g, '')}`),
    ),
  )
  .map(([[type, body], query]) => ({ target: `/pay${query}`, type, body }));

const segment = fc.constantFrom(
  'admin',
  'Admin',
  'ADMIN',
  'open',
  'a',
  '',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  '.%2e',
  '..;x',
  ';x',
  'admin;x=1',
  '%61dmin',
  'a%64min',
  'open%2F..%2Fadmin',
  '..%2Fadmin',
  '%2Fadmin',
  'admin%2Fx',
  'open%2Fadmin',
  'admin%5Cx',
  '..%5Cadmin',
  '%252e%252e',
  '%252Fadmin',
  'admin%252Fx',
  '%2561dmin',
  'admin%00',
  'admin%20',
  '%EF%BC%8E%EF%BC%8E',
  '%c0%ae%c0%ae',
  'admin%C3%A9',
  '%E9',
  '@scope%2fname',
);

/** Request targets, as paths of a few segments. */
export const path: fc.Arbitrary<Sent> = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '/', '?x=1'))
  .map(([segments, end]) => ({ target: `/${segments.join('/')}${end}`, type: null, body: '' }));
