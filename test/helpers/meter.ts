import { pino } from 'pino';
import type { Decision } from '../../gateway/domain/decision.ts';
import type { JudgeAgain } from '../../gateway/domain/usage.ts';
import { createMeter } from '../../gateway/metering/meter.ts';

/** A meter for free calls under a policy without drift rules. */
export const idleMeter = createMeter({
  systems: [],
  drift: { watches: () => false, findDrift: () => ({ drift: null, fault: null }) },
  log: pino({ level: 'silent' }),
  counted: () => {},
});

/** Judges held calls by what `decide` says of their input, where no usage is counted. */
export function judgeBy(decide: (input: string) => Decision): JudgeAgain {
  return async ({ input }) => ({ decision: decide(input), input, settle: () => {} });
}
