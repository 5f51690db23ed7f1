import { type BareItem, DisplayString, parseDictionary, Token } from 'structured-headers';
import type { Claims } from '../../domain/call.ts';
import { Problem } from '../../domain/problem.ts';

/** Bytes of Agent-Context, all its lines together. */
const MAX_LENGTH = 8 * 1024;

const EXPECTED = {
  task: 'a string',
  client: 'a string',
  summary: 'a string',
  session: 'a string',
  'recommended-action': 'a string',
  confidence: 'a number from 0 to 1',
  flags: 'an inner list of strings, such as ("pii" "large-amount")',
  reversible: 'a boolean, ?1 or ?0',
} as const;

type Value = string | number | boolean | Value[];

/**
 * Reads Agent-Context, an RFC 9651 dictionary; several lines are joined by commas. A token counts as a string. Parameters
 * mean nothing here and are dropped.
 * @throws Problem `bad-context`
 */
export function parseClaims(header: string): Claims {
  if (header.length > MAX_LENGTH) throw refused(`Agent-Context must not be longer than ${MAX_LENGTH} bytes.`);
  let dictionary: ReturnType<typeof parseDictionary>;
  try {
    dictionary = parseDictionary(header);
  } catch (cause) {
    throw new Problem('bad-context', { cause });
  }
  const claims: Record<string, Value> = {};
  for (const [name, [item]] of dictionary) {
    claims[name] = Array.isArray(item) ? item.map(([member]) => plainValue(member)) : plainValue(item);
  }
  return asClaims(claims, 'Agent-Context');
}

/**
 * Claims as they were read. Known ones must have their type; unknown ones are kept.
 * @param source where the agent wrote them
 * @throws Problem `bad-context`
 */
export function asClaims(claims: Readonly<Record<string, unknown>>, source: string): Claims {
  for (const [name, value] of Object.entries(claims)) {
    if (!Object.hasOwn(EXPECTED, name) || fits(name as keyof typeof EXPECTED, value)) continue;
    throw refused(`The claim ${name} in ${source} must be ${EXPECTED[name as keyof typeof EXPECTED]}.`);
  }
  return claims as Claims;
}

function plainValue(item: BareItem): Value {
  if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') return item;
  if (item instanceof Token || item instanceof DisplayString) return item.toString();
  if (item instanceof Date) return item.toISOString();
  return Buffer.from(item as ArrayBuffer).toString('base64');
}

function fits(name: keyof typeof EXPECTED, value: unknown): boolean {
  switch (name) {
    case 'confidence':
      return typeof value === 'number' && value >= 0 && value <= 1;
    case 'reversible':
      return typeof value === 'boolean';
    case 'flags':
      return Array.isArray(value) && value.every((flag) => typeof flag === 'string');
    default:
      return typeof value === 'string';
  }
}

/**
 * The trace id of a `traceparent` header (W3C Trace Context, level 2); null when it is missing or invalid. An invalid
 * header is still forwarded: judging it is up to the upstream.
 */
export function parseTraceId(header: string | undefined): string | null {
  if (header === undefined) return null;
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(header);
  if (match === null) return null;
  const [, version, traceId, parentId, rest] = match;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  return /^0+$/.test(traceId!) || /^0+$/.test(parentId!) ? null : traceId!;
}

function refused(detail: string): Problem {
  return new Problem('bad-context', { detail });
}
