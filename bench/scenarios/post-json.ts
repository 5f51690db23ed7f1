import type { Scenario } from '../plan.ts';

/** A refund small enough for the example policy to allow. */
export const postJson: Scenario = {
  name: 'small JSON POST, 64 connections',
  kind: 'closed',
  connections: 64,
  request: {
    method: 'POST',
    path: '/v1/refunds',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ charge: 'ch_3Rd000000000000000002', amount: 2000, metadata: { ticket: 'T-1042' } }),
  },
};
