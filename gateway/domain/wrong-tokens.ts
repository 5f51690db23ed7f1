/** Unknown tokens that an address may send within a minute. An SDK with an old token repeats a call a few times. */
const MOST = 30;
const MINUTE = 60_000;
/** Addresses that are remembered: each takes about 200 bytes. */
const ADDRESSES = 10_000;

/** Counts unknown tokens by the address from which they came. */
export type WrongTokens = {
  /**
   * Counts one. A right token is never counted, and never refused: callers that share an address, behind a proxy, do not
   * lock each other out. Tokens are random and too long to guess; the limit keeps a caller with a wrong one from filling
   * logs.
   * @param address as the socket tells it; undefined when the client is gone
   * @returns the seconds after which the address may try again, when it sent too many; else null
   */
  count(address: string | undefined): number | null;
};

/** In memory of one process. @param clock milliseconds */
export function createWrongTokens(clock: () => number): WrongTokens {
  const windows = new Map<string, { readonly until: number; count: number }>();

  return {
    count(address = '') {
      const now = clock();
      const key = networkOf(address);
      const known = windows.get(key);
      if (known && known.until > now) {
        known.count++;
        return known.count > MOST ? Math.ceil((known.until - now) / 1000) : null;
      }
      windows.delete(key);
      // In order of their ends, so the first is the oldest.
      if (windows.size >= ADDRESSES) windows.delete(windows.keys().next().value!);
      windows.set(key, { until: now + MINUTE, count: 1 });
      return null;
    },
  };
}

/** An IPv4 address, or the /64 of an IPv6 address, all of which one host may use. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length);
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const groups = head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - tail.split(':').length;
  return [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}
