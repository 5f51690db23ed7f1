/**
 * What the tool `order` is called with: small enough for the example policy to allow, each with another item, quantity
 * and ticket, so that nothing that remembers a call makes the next ones look cheap.
 */
export type Order = { readonly item: string; readonly quantity: number; readonly ticket: string };

export function orders(count: number): Order[] {
  return Array.from({ length: count }, (_, i) => ({
    item: `SKU-${10_000 + ((i * 7919) % 90_000)}`,
    quantity: (100 + ((i * 613) % 4900)) / 100,
    ticket: `T-${1042 + i}`,
  }));
}

/** As clients write it. @param meta what a request says of itself since revision 2026-07-28 */
export function toolCall(order: Order, id: number, meta?: object): string {
  const params = { name: 'order', arguments: order, ...(meta && { _meta: meta }) };
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
}
