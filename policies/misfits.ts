import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SYSTEM_PLACE } from '../gateway/domain/policy-input.ts';
import { pointerTo, valueAt } from '../gateway/json/pointer.ts';

/** A place of a value that the input of a policy never looks like. */
export type Misfit = {
  /** JSON pointer (RFC 6901) into the input. */
  readonly pointer: string;
  /** What was expected there, in words. */
  readonly expected: string;
};

/** More would not help to mend the first. */
const MOST = 20;

const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(import.meta.dirname, 'input.schema.json'), 'utf8')));

/**
 * Where a value differs from the inputs on which policies decide. Any member may be missing but the name of the system:
 * without it no rule is asked.
 * @param input JSON; its numbers may be those of `parseExactly`
 */
export function misfits(input: unknown): readonly Misfit[] {
  const value: unknown = JSON.parse(JSON.stringify(input));
  const { error } = schema.safeParse(value);
  const found = (error?.issues ?? []).flatMap(misfitsOf);
  const place = SYSTEM_PLACE.reduce<string>(pointerTo, '');
  if (valueAt(value, place) === undefined && !found.some(({ pointer }) => place.startsWith(pointer)))
    found.push({ pointer: place, expected: 'expected the name of a system, by which rules are chosen' });
  return found.slice(0, MOST);
}

function misfitsOf(issue: z.core.$ZodIssue): Misfit[] {
  const pointer = issue.path.reduce<string>((parent, member) => pointerTo(parent, String(member)), '');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: pointerTo(pointer, key), expected: 'inputs have no such member' }));
  return [{ pointer, expected: `expected ${expectation(issue)}` }];
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  boolean: 'true or false',
  null: 'null',
};

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.join(' or ');
    case 'invalid_union':
      return issue.errors.flatMap(([first]) => (first ? [expectation(first)] : [])).join(' or ');
    default:
      return issue.message;
  }
}
