import type { Scenario } from '../plan.ts';
import { get } from './get.ts';
import { postJson } from './post-json.ts';

/** What a peer adds to a call when it is far from busy. */
export const latencyGet: Scenario = { name: 'GET at 1,000 calls/s', kind: 'open', rate: 1000, request: get.request };

export const latencyPost: Scenario = {
  name: 'small JSON POST at 1,000 calls/s',
  kind: 'open',
  rate: 1000,
  request: postJson.request,
};
