import type { Scenario } from '../plan.ts';

export const get = {
  name: 'GET, 64 connections',
  kind: 'closed',
  connections: 64,
  request: { method: 'GET', path: '/v1/customers?limit=1', headers: {}, body: '' },
} as const satisfies Scenario;
