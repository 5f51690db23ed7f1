import type { Scenario } from '../plan.ts';
import { refunds } from '../refunds.ts';

/** More than the decision point remembers, so that each is evaluated. */
const bodies = refunds(2000).map((refund) => JSON.stringify(refund));

/** The call that agents make most: a refund small enough for the example policy to allow. */
export const postJson = {
  name: 'small JSON POST, 64 connections',
  kind: 'closed',
  connections: 64,
  request: {
    method: 'POST',
    path: '/v1/refunds',
    headers: { 'content-type': 'application/json' },
    body: bodies[0]!,
    bodies,
  },
} as const satisfies Scenario;
