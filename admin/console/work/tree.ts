import type { Work } from '../server/shapes.ts';
import { addedUp } from '../text/costs.ts';

export type WorkItem = Work['items'][number];
export type Sums = Pick<WorkItem, 'in_flight' | 'held' | 'executed' | 'failed' | 'blocked' | 'costs'>;

/** The work of one owner's agents. Names go by the alphabet, so that nothing moves under the finger. */
export type OwnerWork = {
  readonly owner: string;
  readonly agents: readonly { readonly agent: string; readonly items: readonly WorkItem[]; readonly sums: Sums }[];
};

/** Work as owner → agent → operation. Where nothing is to be counted yet, nothing is shown. */
export function treeOf(items: readonly WorkItem[]): readonly OwnerWork[] {
  const counted = items.filter(
    ({ in_flight, held, executed, failed, blocked, costs }) =>
      in_flight + held + executed + failed + blocked + costs.length > 0,
  );
  return [...Map.groupBy(counted, ({ owner }) => owner)].map(([owner, ofOwner]) => ({
    owner,
    agents: [...Map.groupBy(ofOwner, ({ agent }) => agent)].map(([agent, ofAgent]) => ({
      agent,
      items: ofAgent,
      sums: sumsOf(ofAgent),
    })),
  }));
}

/** Everything added up. Units of cost are never added up with each other. */
export function sumsOf(items: readonly WorkItem[]): Sums {
  const sum = (name: 'in_flight' | 'held' | 'executed' | 'failed' | 'blocked') =>
    items.reduce((total, item) => total + item[name], 0);
  return {
    in_flight: sum('in_flight'),
    held: sum('held'),
    executed: sum('executed'),
    failed: sum('failed'),
    blocked: sum('blocked'),
    costs: addedUp(items.flatMap(({ costs }) => costs)),
  };
}
