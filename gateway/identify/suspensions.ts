import type { Suspension, SuspensionStore } from '../domain/suspension.ts';

/** The suspended agents and systems, and whether everything is stopped; in memory, because every call is checked. */
export type Suspensions = {
  /** Why the agent may not call the system; null when neither is suspended. */
  of(agent: string, system: string | null): string | null;
  /** Whether everything is stopped. */
  readonly stopped: boolean;
  stop(): void;
};

/**
 * Follows the suspensions in the store, as far as its `refresh` has read them.
 * @param changed called when the set of suspensions changes
 */
export function watchSuspensions(
  suspensions: Pick<SuspensionStore, 'watch'>,
  changed: () => void = () => {},
): Suspensions {
  let agents = new Set<string>();
  let systems = new Set<string>();
  let stopped = false;
  const names = (all: readonly Suspension[], kind: Suspension['kind']) =>
    new Set(all.filter((one) => one.kind === kind).map(({ name }) => name));
  const stop = suspensions.watch((all) => {
    agents = names(all, 'agent');
    systems = names(all, 'system');
    stopped = all.some(({ kind }) => kind === 'everything');
    changed();
  });
  return {
    of(agent, system) {
      if (agents.has(agent)) return `the agent ${agent} is suspended`;
      return system !== null && systems.has(system) ? `the system ${system} is suspended` : null;
    },
    get stopped() {
      return stopped;
    },
    stop,
  };
}
