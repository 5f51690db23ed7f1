import { number, RegoObject, type RegoValue } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';

export const uuidBuiltins: Builtins = { 'uuid.parse': ofText((text) => parse(text!)) };

const FORM = /^(?:urn:uuid:)?([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})$/i;
/** 100-nanosecond steps from 1582, where UUIDs begin, to 1970. */
const EPOCH = 122_192_928_000_000_000n;

function parse(text: string): RegoValue | undefined {
  const bare = text
    .replace(/^\{(.{36})\}$/, '$1')
    .replace(/^([\da-f]{8})([\da-f]{4})([\da-f]{4})([\da-f]{4})([\da-f]{12})$/i, '$1-$2-$3-$4-$5');
  const match = FORM.exec(bare);
  if (!match) return undefined;
  const [, low, mid, high, clock, node] = match.map((part) => part.toLowerCase());
  const version = Number.parseInt(high!.slice(0, 1), 16);
  const parsed: Record<string, RegoValue> = {
    version: number(version),
    variant: variantOf(Number.parseInt(clock!, 16)),
  };
  if (version === 1 || version === 2) {
    const steps = BigInt(`0x${high!.slice(1)}${mid}${low}`) - EPOCH;
    const first = Number.parseInt(node!.slice(0, 2), 16);
    parsed['time'] = number(steps * 100n);
    parsed['nodeid'] = node!.match(/../g)!.join('-');
    parsed['macvariables'] = `${(first & 2) === 0 ? 'global' : 'local'}:${(first & 1) === 0 ? 'unicast' : 'multicast'}`;
    parsed['clocksequence'] = number(Number.parseInt(clock!, 16) & 0x3fff);
  }
  if (version === 2) {
    const domain = Number.parseInt(clock!.slice(2), 16);
    parsed['id'] = number(Number.parseInt(low!, 16));
    parsed['domain'] = ['Person', 'Group', 'Org'][domain] ?? `Domain${domain}`;
  }
  return RegoObject.from(parsed);
}

function variantOf(clock: number): string {
  if ((clock & 0xc000) === 0x8000) return 'RFC4122';
  if ((clock & 0xe000) === 0xc000) return 'Microsoft';
  return (clock & 0xe000) === 0xe000 ? 'Future' : 'Reserved';
}
