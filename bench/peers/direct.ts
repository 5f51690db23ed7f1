import { DIRECT } from '../peer-names.ts';
import type { Peer } from '../plan.ts';

/** The upstream itself: what a call costs with nothing in between. */
export const direct: Peer = {
  name: DIRECT,
  version: () => '',
  start: async ({ upstream, authority }) => ({
    base: `${authority ? 'https' : 'http'}://${upstream}`,
    pid: null,
    residents: () => [],
    stop: async () => {},
  }),
};
