import type { Agent } from '../server/shapes.ts';

/** Which agents are shown, as it stands in the address. */
export type AgentFilter = {
  readonly owner?: string | undefined;
  readonly system?: string | undefined;
  readonly suspended?: true | undefined;
};

/** Reads a filter from an address. What it does not know is undefined: the router keeps what is left out. */
export function agentFilterIn(search: Readonly<Record<string, unknown>>): AgentFilter {
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : undefined);
  const isOn = search['suspended'] === true || search['suspended'] === 'true';
  return { owner: text(search['owner']), system: text(search['system']), suspended: isOn || undefined };
}

/** Whether the agent itself, or a system that it may call, is as the filter says. */
export function fitsAgent({ owner, systems, suspended }: Agent, filter: AgentFilter): boolean {
  return (
    (filter.owner === undefined || owner === filter.owner) &&
    (filter.system === undefined || systems.includes(filter.system)) &&
    (filter.suspended === undefined || suspended !== null)
  );
}
