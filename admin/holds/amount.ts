import type { ContextPackage } from '../api/hold-schemas.ts';

type Amount = NonNullable<ContextPackage['action']>['amount'];

/** The amount of a call that names one in the usual way, at the top of its body. */
export function amountOf(body: unknown): Amount {
  if (typeof body !== 'object' || body === null) return null;
  const { amount, currency } = body as { amount?: unknown; currency?: unknown };
  if (typeof amount !== 'number' && !(typeof amount === 'string' && /^-?\d+(\.\d+)?$/.test(amount))) return null;
  return { value: amount, currency: typeof currency === 'string' ? currency : null };
}
