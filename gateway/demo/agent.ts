import { Stripe } from 'stripe';

/** How one call ended, as the agent's program sees it. */
export type Outcome = {
  readonly ok: boolean;
  readonly status: number | null;
  readonly verdict: string | null;
  readonly decisionId: string | null;
  readonly milliseconds: number;
  /** The SDK's result or error, in a few words. */
  readonly result: string;
  /** The error's message; for a refused call, the gateway's reason. */
  readonly reason: string | null;
};

export type BillingBot = {
  listCustomers(): Promise<Outcome>;
  /** @param amount in minor units */
  refund(charge: string, amount: number): Promise<Outcome>;
};

type Answered = { readonly lastResponse: { readonly statusCode: number; readonly headers: Record<string, string> } };

async function observe<T extends Answered>(call: () => Promise<T>, tell: (value: T) => string): Promise<Outcome> {
  const begun = performance.now();
  try {
    const value = await call();
    const { statusCode, headers } = value.lastResponse;
    return {
      ok: true,
      status: statusCode,
      verdict: headers['holdpoint-verdict'] ?? null,
      decisionId: headers['holdpoint-decision'] ?? null,
      milliseconds: performance.now() - begun,
      result: tell(value),
      reason: null,
    };
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeError)) throw error;
    return {
      ok: false,
      status: error.statusCode ?? null,
      verdict: error.headers?.['holdpoint-verdict'] ?? null,
      decisionId: error.headers?.['holdpoint-decision'] ?? null,
      milliseconds: performance.now() - begun,
      result: `${error.type}${error.statusCode ? ` (${error.statusCode})` : ''}`,
      reason: error.message,
    };
  }
}

/** The scripted agent: an unmodified `stripe` SDK with another host and another key, and nothing else. */
export function createBillingBot(address: URL, token: string): BillingBot {
  const stripe = new Stripe(token, {
    host: address.hostname,
    port: Number(address.port),
    protocol: 'http',
    telemetry: false,
  });
  return {
    listCustomers: () =>
      observe(
        () => stripe.customers.list(),
        ({ data }) => `${data.length} customers`,
      ),
    refund: (charge, amount) =>
      observe(
        () => stripe.refunds.create({ charge, amount, metadata: { ticket: 'T-1042' } }),
        ({ id, status }) => `refund ${id} ${status}`,
      ),
  };
}
