import type { Peer } from '../plan.ts';

/** The upstream itself: what a call costs with nothing in between. */
export const direct: Peer = {
  name: 'direct upstream',
  version: () => '',
  start: async ({ upstream }) => ({
    base: `http://${upstream}`,
    pid: null,
    residents: () => [],
    stop: async () => {},
  }),
};
