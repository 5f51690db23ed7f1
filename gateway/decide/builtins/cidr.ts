import { isArray, number, RegoObject, RegoSet, type RegoValue } from '../rego-value.ts';
import type { Builtin, Builtins } from './builtin.ts';

/** As in Go, an IPv4-mapped address (`::ffff:1.2.3.4`) is the IPv4 address. */
type Address = { readonly bits: 32 | 128; readonly value: bigint };
/** @param bits what the mask was written for: that of `::ffff:1.2.3.4/96` has 128 */
type Network = { readonly bits: 32 | 128; readonly value: bigint; readonly prefix: number };

export const cidrBuiltins: Builtins = {
  'net.cidr_contains': contains,
  'net.cidr_intersects': (a, b) => {
    const [one, other] = [networkOf(a), networkOf(b)];
    return one && other && (holds(one, unmapped(other)) || holds(other, unmapped(one)));
  },
  'net.cidr_is_valid': (text) => networkOf(text) !== undefined,
  'net.cidr_contains_matches': (cidrs, others) => {
    const one = matchTerms(cidrs);
    const other = matchTerms(others);
    if (!one || !other) return undefined;
    const found: RegoValue[] = [];
    for (const [cidr, index] of one)
      for (const [each, otherIndex] of other) {
        const held = contains(cidr, each);
        if (held === undefined) return undefined;
        if (held === true) found.push([index, otherIndex]);
      }
    return RegoSet.of(found);
  },
};

function contains(cidr: RegoValue | undefined, text: RegoValue | undefined): ReturnType<Builtin> {
  const network = networkOf(cidr);
  if (!network || typeof text !== 'string') return undefined;
  const address = parseAddress(text);
  if (address) return holds(network, unmapped(address));
  const other = networkOf(text);
  if (!other) return undefined;
  if (network.bits === 128 && other.bits === 128 && !isMapped(network.value) && !isMapped(other.value))
    return network.prefix <= other.prefix && masked(other.value, network) === network.value;
  const last = other.value | ((1n << BigInt(other.bits - other.prefix)) - 1n);
  return [other.value, last].every((value) => holds(network, unmapped({ bits: other.bits, value })));
}

function holds(network: Network, address: Address): boolean {
  const isIpv4 = network.bits === 32 || isMapped(network.value);
  if (address.bits !== (isIpv4 ? 32 : 128)) return false;
  if (network.bits === 32 || !isIpv4) return masked(address.value, network) === network.value;
  // A mask of 128 bits over an IPv4-mapped network: its last 32 count.
  const prefix = Math.max(network.prefix - 96, 0);
  const plain: Network = { bits: 32, value: network.value & 0xffffffffn, prefix };
  return masked(address.value, plain) === masked(plain.value, plain);
}

function masked(value: bigint, { bits, prefix }: Network): bigint {
  const free = BigInt(bits - prefix);
  return (value >> free) << free;
}

function isMapped(value: bigint): boolean {
  return value >> 32n === 0xffffn;
}

function unmapped(address: Pick<Network, 'bits' | 'value'>): Address {
  return address.bits === 128 && isMapped(address.value) ? { bits: 32, value: address.value & 0xffffffffn } : address;
}

function networkOf(text: RegoValue | undefined): Network | undefined {
  const match = typeof text === 'string' ? /^([^/]*)\/(\d{1,8})$/.exec(text) : null;
  const address = match ? parseAddress(match[1]!) : undefined;
  const prefix = Number(match?.[2]);
  if (!address || prefix > address.bits) return undefined;
  const { bits } = address;
  return { bits, prefix, value: masked(address.value, { bits, prefix, value: 0n }) };
}

/** An address as Go's netip.ParseAddr reads it, without a zone. */
function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return { bits: 32, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
}

function parseIpv6(text: string): Address | undefined {
  const tail = /^(.*:)([^:]*\.[^:]*)$/.exec(text);
  const embedded = tail ? parseIpv4(tail[2]!) : undefined;
  if (tail && !embedded) return undefined;
  const full = embedded
    ? `${tail![1]}${(embedded.value >> 16n).toString(16)}:${(embedded.value & 0xffffn).toString(16)}`
    : text;
  const [head, rest, ...more] = full.split('::');
  if (more.length > 0 || full.includes(':::')) return undefined;
  const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(rest);
  const missing = 8 - before.length - after.length;
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...before, ...Array.from({ length: rest === undefined ? 0 : missing }, () => '0'), ...after];
  if (!all.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return { bits: 128, value: all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) };
}

/** CIDRs with what names them in the result. */
function matchTerms(value: RegoValue | undefined): [RegoValue, RegoValue][] | undefined {
  if (typeof value === 'string') return [[value, value]];
  const named: (readonly [RegoValue, RegoValue])[] | undefined = isArray(value ?? null)
    ? (value as readonly RegoValue[]).map((each, index) => [number(index), each])
    : value instanceof RegoSet
      ? value.elements.map((each) => [each, each])
      : value instanceof RegoObject
        ? [...value.members]
        : undefined;
  if (!named) return [];
  const terms: [RegoValue, RegoValue][] = [];
  for (const [name, each] of named) {
    const cidr = isArray(each) ? each[0] : each;
    if (cidr === undefined || (!isArray(each) && typeof each !== 'string')) return undefined;
    terms.push([cidr, name]);
  }
  return terms;
}
