import type { Caller } from '../domain/exchange.ts';
import { Problem } from '../domain/problem.ts';
import { assertActive } from './permission.ts';
import type { Suspensions } from './suspensions.ts';

/**
 * Checks that the agent is granted the system and that neither is suspended. It comes after `identify`, so that the
 * attempt is recorded under the agent's name, and before anything else about the call is read.
 * @throws Problem `system-not-granted`, `suspended`
 */
export function createAuthorize(
  isGranted: (agent: string, system: string) => boolean,
  suspensions: Pick<Suspensions, 'of'>,
): (caller: Caller) => void {
  return ({ principal: { agent }, system }) => {
    if (!isGranted(agent, system.name)) throw new Problem('system-not-granted');
    assertActive(agent, system.name, suspensions);
  };
}
