import { UNHURRIED_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { get } from './get.ts';
import { postJson } from './post-json.ts';

/** The time that a peer adds to a call when it is far from busy. */
export const latencyGet = {
  name: 'GET at 1,000 calls/s',
  kind: 'open',
  rate: 1000,
  peers: UNHURRIED_PEERS,
  request: get.request,
} as const satisfies Scenario;

export const latencyPost = {
  name: 'small JSON POST at 1,000 calls/s',
  kind: 'open',
  rate: 1000,
  peers: UNHURRIED_PEERS,
  request: postJson.request,
} as const satisfies Scenario;

/** On two cores, shipping and ClickHouse delay the load, and so every percentile. Without them, a call shows its own time. */
export const ALONE = ', shipping stopped';

export const latencyGetAlone = { ...latencyGet, name: latencyGet.name + ALONE, alone: true } as const;
export const latencyPostAlone = { ...latencyPost, name: latencyPost.name + ALONE, alone: true } as const;
