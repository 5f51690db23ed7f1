import { decimalOf, RegoNumber, RegoObject, RegoSet, type RegoValue } from '../rego-value.ts';
import type { Builtins } from './builtin.ts';
import { patch } from './json-patch.ts';

export const jsonBuiltins: Builtins = {
  'json.marshal': (value) => (value === undefined ? undefined : writeJson(value)),
  'json.unmarshal': (text) => (typeof text === 'string' ? readJson(text) : undefined),
  'json.patch': (value, operations) =>
    value === undefined || operations === undefined ? undefined : patch(value, operations),
};

/** As Go's encoding/json writes it: names sorted, `<`, `>` and `&` escaped, and sets as lists. */
export function writeJson(value: RegoValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (value instanceof RegoNumber) return value.text;
  if (typeof value === 'string') return writeText(value);
  if (value instanceof RegoSet) return `[${value.elements.map(writeJson).join(',')}]`;
  if (!(value instanceof RegoObject)) return `[${value.map(writeJson).join(',')}]`;
  const members = value.members.map(([name, member]) => [nameOf(name), member] as const);
  members.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${members.map(([name, member]) => `${writeText(name)}:${writeJson(member)}`).join(',')}}`;
}

function nameOf(name: RegoValue): string {
  return typeof name === 'string' ? name : writeJson(name);
}

function writeText(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** OPA's limit on the binary exponent of a number, in decimal digits. */
const LARGEST_EXPONENT = 30_103;

/** The value of JSON text, every digit kept; undefined when it is none, or a number is too large for OPA. */
export function readJson(text: string): RegoValue | undefined {
  let isTooLarge = false;
  const asValue = (value: unknown): RegoValue => {
    if (value instanceof RegoNumber || value === null || typeof value !== 'object') return value as RegoValue;
    return Array.isArray(value)
      ? value.map(asValue)
      : RegoObject.of(Object.entries(value).map(([name, each]) => [name, asValue(each)]));
  };
  try {
    const parsed: unknown = JSON.parse(text, (_member, value: unknown, context?: { source?: string }) => {
      const source = context?.source;
      if (typeof value !== 'number' || source === undefined) return value;
      const { digits, exponent } = decimalOf(source);
      isTooLarge ||= Math.abs(exponent + digits.toString().length) > LARGEST_EXPONENT;
      return new RegoNumber(source);
    });
    return isTooLarge ? undefined : asValue(parsed);
  } catch {
    return undefined;
  }
}
