import { HOLDPOINT, NGINX } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { postJson } from './post-json.ts';

/** Rules of other systems must not slow a call down. One system is the small JSON POST itself. */
export const postBySystems: readonly Scenario[] = [10, 100, 500].map((systems) => ({
  ...postJson,
  name: `small JSON POST, ${systems} systems with rules`,
  systems,
  peers: [NGINX, HOLDPOINT],
}));
