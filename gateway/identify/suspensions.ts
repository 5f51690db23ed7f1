import type { HoldStore, Suspension } from '../domain/hold-store.ts';

/** Who is suspended, from memory: asked for every call. */
export type Suspensions = {
  /** Why the agent may not call, or nobody may call the system; null when neither is suspended. */
  of(agent: string, system: string | null): string | null;
  stop(): void;
};

/**
 * Knows what `refresh` of the store makes it know: see there.
 * @param changed called when something else is suspended than before
 */
export function watchSuspensions(
  suspensions: Pick<HoldStore['suspensions'], 'watch'>,
  changed: () => void = () => {},
): Suspensions {
  let agents = new Set<string>();
  let systems = new Set<string>();
  const names = (all: readonly Suspension[], kind: Suspension['kind']) =>
    new Set(all.filter((one) => one.kind === kind).map(({ name }) => name));
  const stop = suspensions.watch((all) => {
    agents = names(all, 'agent');
    systems = names(all, 'system');
    changed();
  });
  return {
    of(agent, system) {
      if (agents.has(agent)) return `the agent ${agent} is suspended`;
      return system !== null && systems.has(system) ? `the system ${system} is suspended` : null;
    },
    stop,
  };
}
