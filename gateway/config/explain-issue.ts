import type { z } from 'zod';
import { nearest } from '../domain/nearest.ts';

type Issue = z.core.$ZodRawIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping of names',
};

/** Says what was expected where the schema has no text of its own. Never shows the value, which may be a secret. */
export function explainIssue(issue: Issue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = KINDS[issue.expected] ?? issue.expected;
      if (issue.input === undefined) return `missing; expected ${expected}`;
      return `expected ${expected}, not ${kindOf(issue.input)}${hint(issue.expected, issue.input)}`;
    }
    case 'invalid_value': {
      const known = issue.values.map(String);
      const meant = typeof issue.input === 'string' ? nearest(issue.input, known) : undefined;
      return `expected ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    }
    case 'invalid_key':
      return issue.issues[0]?.message;
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `expected at least ${issue.minimum} ${issue.origin === 'array' ? 'entry' : 'character'}`
        : `expected a number of at least ${issue.minimum}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `expected at most ${issue.maximum} entries`
        : `expected a number of at most ${issue.maximum}`;
    default:
      return undefined;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return KINDS['array']!;
  return KINDS[typeof value] ?? typeof value;
}

function hint(expected: string, value: unknown): string {
  if (expected === 'string' && ['number', 'boolean'].includes(typeof value)) return '; put it in quotes';
  if (expected === 'array' && typeof value === 'string') return '; put it in brackets: [...]';
  if (expected === 'array' && typeof value === 'object' && value !== null) return '; begin each entry with "- "';
  if ((expected === 'record' || expected === 'object') && Array.isArray(value))
    return '; write `name:` instead of "- "';
  return '';
}
