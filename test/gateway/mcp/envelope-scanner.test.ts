import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EnvelopeScanner } from '../../../gateway/mcp/envelope-scanner.ts';

/** JSON text with space where it may be, and escapes where they need not be. */
function written(value: unknown, space: string): string {
  const text = JSON.stringify(value, null, space);
  return text.replaceAll('/', '\\/');
}

function scan(text: string, size: number): EnvelopeScanner {
  const scanner = new EnvelopeScanner();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size));
  return scanner;
}

const id = fc.oneof(fc.maxSafeInteger(), fc.string({ unit: 'grapheme', maxLength: 50 }));
const members = fc.dictionary(
  fc.string().filter((name) => name !== 'id' && name !== 'method'),
  fc.jsonValue({ depthSize: 'medium' }),
);

test('the id and method of a message are those that a parser finds, wherever they are and however it is cut', () => {
  const method = fc.constantFrom('tools/call', 'prompts/get', 'x');
  fc.assert(
    fc.property(
      id,
      method,
      members,
      members,
      fc.constantFrom('', ' ', '\n\t'),
      fc.integer({ min: 1, max: 64 }),
      (given, name, before, after, space, size) => {
        const scanner = scan(written({ ...before, id: given, method: name, ...after }, space), size);
        expect([JSON.parse(scanner.id!), scanner.method]).toEqual([given, name]);
      },
    ),
  );
});

test.each([
  ['nothing', ''],
  ['a batch', '[{"id":1,"method":"x"}]'],
  ['a message that has not ended', '{"id":1,"method":"x"'],
  ['two messages', '{"id":1,"method":"x"}{"id":2,"method":"x"}'],
  ['no method', '{"id":1,"result":{}}'],
  ['no id', '{"method":"x"}'],
  ['an id that is none', '{"id":1.5,"method":"x"}'],
  ['an id that is cut off', `{"id":"${'x'.repeat(2000)}","method":"x"}`],
  ['an id deeper in the text', '{"method":"x","params":{"id":1}}'],
  ['brackets before it', '}}{"id":1,"method":"x"}'],
])('there is no id in %s', (_, text) => {
  expect(scan(text, 7).id).toBeNull();
});
