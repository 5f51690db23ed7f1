import { pino } from 'pino';
import { createAppraiser } from '../../gateway/metering/meter.ts';

/** For calls that cost nothing, of a policy without drift rules. */
export const noAppraiser = createAppraiser({
  systems: [],
  drift: { watches: () => false, findDrift: () => ({ drift: null, fault: null }) },
  log: pino({ level: 'silent' }),
  counted: () => {},
});
