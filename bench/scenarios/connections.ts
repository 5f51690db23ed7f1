import { CLOSEST_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { postJson } from './post-json.ts';

/** One caller alone waits for every step; many share commits and system calls. 64 is the small JSON POST itself. */
export const postByConnections: readonly Scenario[] = [1, 16, 512].map((connections) => ({
  ...postJson,
  name: `small JSON POST, ${connections} connection${connections === 1 ? '' : 's'}`,
  connections,
  peers: CLOSEST_PEERS,
}));
