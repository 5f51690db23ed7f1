import fc from 'fast-check';

/** Values, as JSON text, that a reader could change or mistake for the members of the event around them. */
const hardValues = fc.constantFrom(
  '123456789012345678901234567890',
  '-0',
  '1.00',
  '1e-7',
  '"\u2028\u2029"',
  '"😀"',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '"\ud800"',
  '"\\u0000\\n\\/"',
  '"\u007f"',
  '"{"',
  '"\\\\"',
  '"\\"input\\":{}"',
  '"},\\"masked\\":[\\"/a\\"]"',
  '{"input":{"input":{}}}',
  '{"a":{},"masked":["/a"],"trace_id":"00"}',
  '{"a":1,"a":2,"__proto__":{}}',
  '[]',
);

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Policy inputs as their text: one object, with white space of every kind between its parts, or without any. */
export function inputs(space: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.array(fc.tuple(fc.string({ unit: 'binary', maxLength: 5 }), fc.oneof(fc.json({ maxDepth: 3 }), hardValues)), {
        maxLength: 6,
      }),
      fc.infiniteStream(space),
    )
    .map(([members, spaces]) => {
      const text = `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
      const tokens = text.match(TOKEN)!;
      return tokens.map((token, n) => (n === 0 ? token : spaces.next().value! + token)).join('');
    });
}

/** On one line. */
export const lineInputs = inputs(fc.constantFrom('', '', ' ', '\t', '   '));
/** With a line break nearly always. */
export const brokenInputs = inputs(fc.constantFrom('', ' ', '\t', '\n', '\r', '\r\n  '));
