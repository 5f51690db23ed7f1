import { expect, test } from 'vitest';
import { parseExactly } from '../../../gateway/json/exact-json.ts';
import { applyPatch } from '../../../gateway/json/json-patch.ts';

const patched = (document: string, operations: object[]) =>
  JSON.stringify(applyPatch(parseExactly(document), parseExactly(JSON.stringify(operations))));

// The examples of RFC 6902, appendix A.
test.each([
  ['adds a member', '{"foo":"bar"}', [{ op: 'add', path: '/baz', value: 'qux' }], '{"foo":"bar","baz":"qux"}'],
  ['adds an element', '{"foo":["a","c"]}', [{ op: 'add', path: '/foo/1', value: 'b' }], '{"foo":["a","b","c"]}'],
  ['appends an element', '{"foo":["a"]}', [{ op: 'add', path: '/foo/-', value: ['b'] }], '{"foo":["a",["b"]]}'],
  ['removes a member', '{"a":1,"b":2}', [{ op: 'remove', path: '/a' }], '{"b":2}'],
  ['removes an element', '{"a":[1,2,3]}', [{ op: 'remove', path: '/a/1' }], '{"a":[1,3]}'],
  ['replaces a value with null', '{"a":{"b":1}}', [{ op: 'replace', path: '/a/b', value: null }], '{"a":{"b":null}}'],
  ['moves a value', '{"a":{"b":1},"c":{}}', [{ op: 'move', from: '/a/b', path: '/c/d' }], '{"a":{},"c":{"d":1}}'],
  ['copies a value', '{"a":[1]}', [{ op: 'copy', from: '/a/0', path: '/b' }], '{"a":[1],"b":1}'],
  ['tests a value', '{"a":1.0}', [{ op: 'test', path: '/a', value: 1 }], '{"a":1.0}'],
  ['unescapes names', '{"/":9,"~1":10}', [{ op: 'test', path: '/~01', value: 10 }], '{"/":9,"~1":10}'],
  ['sets no prototype', '{}', [{ op: 'add', path: '/__proto__', value: 1 }], '{"__proto__":1}'],
  ['replaces the whole', '{"a":1}', [{ op: 'replace', path: '', value: [] }], '[]'],
])('a patch %s', (_what, document, operations, wanted) => {
  expect(patched(document, operations)).toBe(wanted);
});

test.each([
  ['to a place in nothing', [{ op: 'add', path: '/x/y', value: 1 }]],
  ['past the end of a list', [{ op: 'add', path: '/l/2', value: 1 }]],
  ['with a leading zero', [{ op: 'remove', path: '/l/00' }]],
  ['without a value', [{ op: 'add', path: '/a' }]],
  ['with a pointer that is none', [{ op: 'add', path: 'a', value: 1 }]],
  ['that is no object', [1 as unknown as object]],
])('an operation %s is refused', (_what, operations) => {
  expect(() => patched('{"l":[1]}', operations)).toThrow();
});
