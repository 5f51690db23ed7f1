import type { BenchRequest } from '../plan.ts';

/** A refund of about 300 bytes that the example policy holds. Each `number` is a call of its own. */
export function heldRefund(number: number, token: string, amount = 20_000): BenchRequest {
  return {
    method: 'POST',
    path: '/payments/v1/refunds',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'bench/1.0',
    },
    body: JSON.stringify({
      charge: `ch_3Bench${String(number).padStart(15, '0')}`,
      amount,
      reason: 'requested_by_customer',
      metadata: {
        ticket: 'T-104233',
        order: '2026-11-19/88213',
        customer: 'cus_9s6XKzkNRiz8i3',
        note: 'Parcel arrived damaged; the customer sent photographs and asks for the whole amount of order 88213 back.',
      },
    }),
  };
}
