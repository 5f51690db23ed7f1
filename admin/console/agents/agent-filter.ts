import type { Agent } from '../server/shapes.ts';

/** Which agents are shown, as it stands in the address. */
export type AgentFilter = {
  readonly owner?: string;
  readonly system?: string;
  readonly suspended?: true;
};

/** Reads a filter from an address. What it does not know it leaves out. */
export function agentFilterIn(search: Readonly<Record<string, unknown>>): AgentFilter {
  const text = (name: string) => {
    const value = search[name];
    return typeof value === 'string' || typeof value === 'number' ? { [name]: String(value) } : {};
  };
  const isOn = search['suspended'] === true || search['suspended'] === 'true';
  return { ...text('owner'), ...text('system'), ...(isOn && { suspended: true }) };
}

/** Whether the agent itself, or a system that it may call, is as the filter says. */
export function fitsAgent({ owner, systems, suspended }: Agent, filter: AgentFilter): boolean {
  return (
    (filter.owner === undefined || owner === filter.owner) &&
    (filter.system === undefined || systems.includes(filter.system)) &&
    (filter.suspended === undefined || suspended !== null)
  );
}
