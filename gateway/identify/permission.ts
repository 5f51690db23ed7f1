import { Problem } from '../domain/problem.ts';
import type { Suspensions } from './suspensions.ts';
import type { Agent } from './token.ts';

/** Whether the configuration knows the agent and grants it the system. */
export function createGrants(agents: readonly Agent[]): (agent: string, system: string) => boolean {
  const granted = new Map(agents.map(({ id, systems }) => [id, new Set(systems)]));
  return (agent, system) => granted.get(agent)?.has(system) ?? false;
}

/**
 * The kill switch, checked before anything else about the call is read. The attempt is recorded.
 * @throws Problem `stopped`, `suspended`
 */
export function assertActive(
  agent: string,
  system: string | null,
  suspensions: Pick<Suspensions, 'of' | 'stopped'>,
): void {
  const why = whyNotActive(agent, system, suspensions);
  if (why) throw why;
}

function whyNotActive(
  agent: string,
  system: string | null,
  suspensions: Pick<Suspensions, 'of' | 'stopped'>,
): Problem | null {
  if (suspensions.stopped) return new Problem('stopped');
  const reason = suspensions.of(agent, system);
  if (reason === null) return null;
  const detail = `Suspended by an operator: ${reason}. Do not send the call again; ask the agent's owner.`;
  return new Problem('suspended', { detail });
}

/** The refusal of an agent that may not call a system: `system-not-granted`, `stopped` or `suspended`; null if it may. */
export function createRefusalOf(
  isGranted: (agent: string, system: string) => boolean,
  suspensions: Pick<Suspensions, 'of' | 'stopped'>,
): (agent: string, system: string) => Problem | null {
  return (agent, system) =>
    isGranted(agent, system) ? whyNotActive(agent, system, suspensions) : new Problem('system-not-granted');
}

/** Why a call of the agent may not be sent now: it lost access to the system, or one of the two is suspended. */
export function createWhyNotPermitted(
  isGranted: (agent: string, system: string) => boolean,
  suspensions: Pick<Suspensions, 'of'>,
): (agent: string, system: string) => string | null {
  return (agent, system) =>
    isGranted(agent, system) ? suspensions.of(agent, system) : 'The agent no longer has access to this system.';
}
