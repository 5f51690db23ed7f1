import { pino } from 'pino';
import { createMeter } from '../../gateway/metering/meter.ts';

/** A meter for free calls under a policy without drift rules. */
export const idleMeter = createMeter({
  systems: [],
  drift: { watches: () => false, findDrift: () => ({ drift: null, fault: null }) },
  log: pino({ level: 'silent' }),
  counted: () => {},
});
