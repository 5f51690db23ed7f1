import type { Outgoing } from './connection.ts';

/** An agent's typical calls: of ten, five read, four write and one is blocked. */
export type MixedCall = Outgoing & { readonly expected: number };

/** The `n`-th call. Ids, amounts and tickets differ from call to call, so that nothing kept for one serves the next. */
export function mixedCall(n: number): MixedCall {
  const id = String(n).padStart(15, '0');
  const kind = n % 10;
  if (kind === 0) return { method: 'DELETE', path: `/v1/customers/cus_${id}`, body: null, expected: 403 };
  if (kind > 4) return { method: 'GET', path: `/v1/customers/cus_${id}?expand=orders`, body: null, expected: 200 };
  const body = JSON.stringify({
    charge: `ch_3Bench${id}`,
    amount: 1 + ((n * 37) % 5000),
    metadata: { ticket: `T-${n % 100_003}`, order: `2026-11-19/${n}` },
  });
  return { method: 'POST', path: '/v1/refunds', body, expected: 200 };
}
