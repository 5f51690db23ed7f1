import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Problem } from '../../../gateway/domain/problem.ts';
import { readMessages, type Message } from '../../../gateway/mcp/message.ts';

const NAMES = ['name', 'Name', 'NAME', 'n\\u0061me', 'uri', 'URI', 'arguments', 'Arguments', '_meta', 'other'];
const ENVELOPE = [
  'jsonrpc',
  'id',
  'Id',
  'method',
  'METHOD',
  'metho\\u0064',
  'params',
  'Params',
  'param\u017f',
  'result',
];
const METHODS = [
  '"tools/call"',
  '"tools\\/call"',
  '"resources/read"',
  '"ping"',
  '"notifications/x"',
  'null',
  '7',
  '""',
];
const VALUES = [
  '"a"',
  '"b"',
  '1',
  '0',
  '-0',
  '1.5',
  '1e2',
  'null',
  '{}',
  '{"name":"b"}',
  '[]',
  '"2.0"',
  '9007199254740993',
];

const text = (names: readonly string[], values: fc.Arbitrary<string>, maxLength: number) =>
  fc
    .array(fc.tuple(fc.constantFrom(...names), values), { maxLength })
    .map((members) => `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`);

const params = text(NAMES, fc.constantFrom(...VALUES), 3);
const message = fc
  .tuple(
    fc.constantFrom(...METHODS),
    params,
    text(ENVELOPE, fc.oneof(fc.constantFrom(...VALUES), fc.constantFrom(...METHODS), params), 2),
  )
  .map(([method, given, more]) => {
    const others = more === '{}' ? '' : `,${more.slice(1, -1)}`;
    return `{"jsonrpc":"2.0","method":${method},"params":${given}${others}}`;
  });

/** The members of an object as a reader that ignores case has them. */
function folded(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toUpperCase().toLowerCase(), member]));
}

/** Null if it is refused. */
function read(body: Uint8Array): Message | null {
  try {
    return readMessages(Buffer.from(body)).all[0];
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

test('a message that is accepted is read alike by readers that take the last duplicate and by those that ignore case', () => {
  let accepted = 0;
  fc.assert(
    fc.property(message, (json) => {
      const known = read(Buffer.from(json));
      if (!known) return;
      accepted += 1;
      const exact = JSON.parse(json) as { method?: unknown; params?: Record<string, unknown>; id?: unknown };
      const loose = folded(exact);
      const subject = known.method === 'tools/call' ? 'name' : known.method === 'resources/read' ? 'uri' : null;
      const asWritten = known.id === null ? undefined : (JSON.parse(known.id) as unknown);
      expect([exact.method ?? '', exact.id]).toEqual([known.method, asWritten]);
      expect([loose['method'] ?? '', loose['id']]).toEqual([known.method, asWritten]);
      const expected = subject === null ? null : (known.subject ?? null);
      expect(subject === null ? null : (exact.params?.[subject] ?? null)).toBe(expected);
      expect(subject === null ? null : (folded(loose['params'])[subject] ?? null)).toBe(expected);
    }),
    { numRuns: 5000 },
  );
  expect(accepted).toBeGreaterThan(100);
});

test('any bytes are read or refused with a problem', () => {
  const cut = message.map((json) => Buffer.from(json.slice(0, -1)));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), cut), (bytes) => {
      expect(() => read(bytes)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});
