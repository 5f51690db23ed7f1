import type { Scenario } from '../plan.ts';
import { refunds } from '../refunds.ts';

const bodies = refunds(64).map(({ charge, amount, metadata }) =>
  new URLSearchParams({ charge, amount: String(amount), 'metadata[ticket]': metadata.ticket }).toString(),
);

/** The same refund as a form, which is how Stripe's own clients send it. */
export const postForm = {
  name: 'form POST, 64 connections',
  kind: 'closed',
  connections: 64,
  request: {
    method: 'POST',
    path: '/v1/refunds',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: bodies[0]!,
    bodies,
  },
} as const satisfies Scenario;
