import { CONSTANT_RATE_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { postJson } from './post-json.ts';

/**
 * How long a caller waits when a peer is as busy as an operator would allow. Half of what the direct upstream and nginx
 * can do is more than the load can send at a constant rate.
 */
export const postAtHalf = {
  name: 'small JSON POST at half of saturation',
  kind: 'half',
  of: postJson.name,
  request: postJson.request,
  peers: CONSTANT_RATE_PEERS,
} as const satisfies Scenario;
