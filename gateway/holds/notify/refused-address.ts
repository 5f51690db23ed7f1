import type { LookupFunction } from 'node:net';
import { BlockList, isIPv6 } from 'node:net';
import { DeliveryError } from './delivery-error.ts';

/**
 * Addresses to which nothing is posted. Link-local ones are where clouds keep the machine's own credentials
 * (169.254.169.254 and, on AWS, fd00:ec2::254); the others name no single machine. Loopback and private networks are
 * not among them: that is where the targets of an organisation live.
 */
const REFUSED_IPV4 = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
] as const;
const REFUSED_IPV6 = [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::254', 128],
] as const;

const refused = new BlockList();
for (const [net, prefix] of REFUSED_IPV4) {
  // `BlockList` itself knows the IPv4-mapped form (`::ffff:`), but not that of a NAT64 (RFC 6052).
  refused.addSubnet(net, prefix, 'ipv4');
  refused.addSubnet(`64:ff9b::${net}`, 96 + prefix, 'ipv6');
}
for (const [net, prefix] of REFUSED_IPV6) refused.addSubnet(net, prefix, 'ipv6');

/** Whether nothing may be posted to an IP address, in any of its spellings. */
export function isRefusedAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) is not part of the address.
  const bare = address.replace(/%.*$/, '');
  return refused.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4');
}

/** For people. Names the address, and nothing that could be a secret. */
export function refusal(address: string): DeliveryError {
  return new DeliveryError('unreachable', `its address is ${address}, to which nothing is posted; name another target`);
}

/**
 * Wraps a name's resolution so that a refused address is never connected to. The check is on the very addresses that
 * are connected to, so a name that answers differently the second time (DNS rebinding) gains nothing.
 */
export function checkedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, options, (error, addresses, family) => {
      const found = typeof addresses === 'string' ? [addresses] : (addresses ?? []).map(({ address }) => address);
      const bad = error ? undefined : found.find(isRefusedAddress);
      if (bad === undefined) done(error, addresses, family);
      else done(refusal(bad), []);
    });
  };
}
