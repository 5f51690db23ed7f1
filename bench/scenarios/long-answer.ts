import { PLAIN_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';

/** An export: what it costs to pass on an answer that is far larger than any buffer. */
export const longAnswer = {
  name: '10 MB answer, 8 connections',
  kind: 'closed',
  connections: 8,
  request: { method: 'GET', path: '/v1/exports/10mb', headers: {}, body: '' },
  peers: PLAIN_PEERS,
} as const satisfies Scenario;
