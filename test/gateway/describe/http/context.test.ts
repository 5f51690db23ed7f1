import { describe, expect, test } from 'vitest';
import { parseClaims, parseTraceId } from '../../../../gateway/describe/http/context.ts';
import { problemOf } from './arrival.ts';

describe('claims in Agent-Context', () => {
  test('all known claims are read', () => {
    const header =
      'task="T-1", client=acme, summary=%"Erstattung f%c3%bcr ACME", confidence=0.93, flags=("pii" large-amount), ' +
      'recommended-action="approve", session="s-1", reversible=?0';
    expect(parseClaims(header)).toEqual({
      task: 'T-1',
      client: 'acme',
      summary: 'Erstattung für ACME',
      confidence: 0.93,
      flags: ['pii', 'large-amount'],
      'recommended-action': 'approve',
      session: 's-1',
      reversible: false,
    });
  });

  test('unknown claims of every type are kept, without parameters', () => {
    const header = 'a=1;x=2, b=?1, c, d=("x" 1.5 ?0);y, e=:aGVsbG8=:, f="s", g=@1700000000';
    expect(parseClaims(header)).toEqual({
      a: 1,
      b: true,
      c: true,
      d: ['x', 1.5, false],
      e: 'aGVsbG8=',
      f: 's',
      g: '2023-11-14T22:13:20.000Z',
    });
  });

  test('the last of equal names wins, as RFC 9651 says', () => {
    expect(parseClaims('task="a", task="b"')).toEqual({ task: 'b' });
  });

  test('an empty Agent-Context has no claims', () => {
    expect(parseClaims('')).toEqual({});
  });

  test.each([
    'task=1',
    'task',
    'client=("a")',
    'session=?1',
    'confidence="high"',
    'confidence=1.5',
    'confidence=-0.1',
    'flags="pii"',
    'flags=("a" 1)',
    'flags',
    'reversible="yes"',
    'reversible=1',
    'recommended-action=1',
    'Task="a"',
    'task=a b',
    'task="a',
    'task="é"',
    '{"task":"a"}',
    'task="a",',
    `task="${'a'.repeat(8192)}"`,
  ])('the Agent-Context %s is refused', (header) => {
    expect(problemOf(() => parseClaims(header)).code).toBe('bad-context');
  });
});

describe('trace ids', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

  test.each([
    [`00-${TRACE}-00f067aa0ba902b7-01`],
    [`01-${TRACE}-00f067aa0ba902b7-01`],
    [`01-${TRACE}-00f067aa0ba902b7-01-more`],
  ])('the traceparent %s gives a trace id', (header) => {
    expect(parseTraceId(header)).toBe(TRACE);
  });

  test.each([
    [undefined],
    [''],
    [`00-${TRACE}-00f067aa0ba902b7`],
    [`00-${TRACE}-00f067aa0ba902b7-01-more`],
    [`ff-${TRACE}-00f067aa0ba902b7-01`],
    [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    [`00-${TRACE}-${'0'.repeat(16)}-01`],
    [`00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`],
  ])('the traceparent %s gives no trace id', (header) => {
    expect(parseTraceId(header)).toBeNull();
  });
});
