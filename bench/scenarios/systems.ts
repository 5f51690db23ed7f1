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

/** As many routes as large gateways have. Each is a system; that they have no rules keeps the policy as it is. */
export const postByRoutes: readonly Scenario[] = [1_000, 5_000].map((routes) => ({
  ...postJson,
  name: `small JSON POST, ${routes.toLocaleString('en')} routes`,
  routes,
  peers: [NGINX, HOLDPOINT],
}));
