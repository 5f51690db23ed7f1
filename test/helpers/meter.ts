import { pino } from 'pino';
import { createMeter } from '../../gateway/metering/meter.ts';

/** For calls that cost nothing, of a policy without drift rules. */
export const idleMeter = createMeter({
  systems: [],
  drift: { watches: () => false, findDrift: () => ({ drift: null, fault: null }) },
  log: pino({ level: 'silent' }),
  counted: () => {},
});
