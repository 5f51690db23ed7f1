import { isRefusal } from '../../domain/hold-command.ts';
import { destinationOf } from '../../domain/further-host.ts';
import { assertCall, type CallHold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { System } from '../../domain/system.ts';

type Systems = ReadonlyMap<string, System>;

/** Why an approval of a call no longer holds: it was given for another upstream. Holds of earlier versions name none. */
export function whyMoved(systems: Systems, hold: Pick<CallHold, 'system' | 'path' | 'upstream'>): string | null {
  const { system: name, path, upstream } = hold;
  const system = systems.get(name);
  if (!system) return `the system ${name} is no longer configured`;
  const now = destinationOf(system, path);
  return upstream === undefined || upstream === now
    ? null
    : `the system ${name} was at ${upstream} when the call was held, and is now at ${now}`;
}

/**
 * Supersedes, at the start, the open holds that can no longer be sent as they were shown: the system or the agent's
 * access left the configuration, or the system's upstream changed. Otherwise reviewers would approve in vain.
 * @returns how many holds were superseded
 */
export async function supersedeMoved(deps: {
  readonly holds: Pick<HoldStore, 'openCalls' | 'find' | 'apply'>;
  readonly systems: Systems;
  readonly isGranted: (agent: string, system: string) => boolean;
}): Promise<number> {
  const { holds, systems, isGranted } = deps;
  let superseded = 0;
  for (const { id, agent, system } of await holds.openCalls()) {
    const hold = await holds.find(id);
    if (!hold) continue;
    const reason =
      whyMoved(systems, assertCall(hold)) ??
      (isGranted(agent, system) ? null : `the agent ${agent} no longer has access to the system ${system}`);
    if (reason === null) continue;
    const result = await holds.apply(id, { type: 'supersede', reason, policyRevision: null });
    if (!isRefusal(result)) superseded += 1;
  }
  return superseded;
}
