import type { Caller } from '../domain/exchange.ts';
import { createRefusalOf } from './permission.ts';
import type { Suspensions } from './suspensions.ts';

/**
 * Checks that the agent is granted the system and that neither is suspended. It comes after `identify`, so that the
 * attempt is recorded under the agent's name, and before anything else about the call is read.
 * @throws Problem `system-not-granted`, `stopped`, `suspended`
 */
export function createAuthorize(
  isGranted: (agent: string, system: string) => boolean,
  suspensions: Pick<Suspensions, 'of' | 'stopped'>,
): (caller: Caller) => void {
  const refusalOf = createRefusalOf(isGranted, suspensions);
  return ({ principal: { agent }, system }) => {
    const why = refusalOf(agent, system.name);
    if (why) throw why;
  };
}
