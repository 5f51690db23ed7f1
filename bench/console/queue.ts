import { createHttpClient } from '../holds/http-client.ts';
import { heldRefund } from '../holds/refund.ts';

const AT_ONCE = 16;

/** Opens so many held refunds, each of another amount, as agents do. @throws Error when one is not held */
export async function fillQueue(agents: string, token: string, count: number, from = 0): Promise<void> {
  const call = createHttpClient(agents);
  let next = from;
  async function agent(): Promise<void> {
    while (next < from + count) {
      const refund = heldRefund(next, token, 10_000 + (next % 80_000));
      next += 1;
      const { status } = await call({
        ...refund,
        headers: {
          ...refund.headers,
          'content-length': String(Buffer.byteLength(refund.body)),
          prefer: 'respond-async',
        },
      });
      if (status !== 202) throw new Error(`a call was answered with ${status} instead of being held`);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, agent));
}
