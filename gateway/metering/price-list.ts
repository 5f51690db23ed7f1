import type { Cost } from '../domain/cost.ts';
import type { CostEntry, System } from '../domain/system.ts';

/** How to read the cost of a call from its answer. */
export type Metered = Extract<CostEntry, { from: object }>;

/** The known cost of an operation before it is called. */
export type Price = {
  /** How to read it from the answer; null when the answer does not tell. */
  readonly metered: Metered | null;
  /** The cost of a call when its answer and policy name none. */
  readonly fixed: Cost | null;
};

/** The price of an operation; null when none is configured. Two look-ups. */
type PriceList = (system: string, operation: string) => Price | null;

/**
 * Two entries count: of those that read the answer and of those that give an amount, the first each that names the
 * operation or names none.
 */
export function createPriceList(systems: readonly Pick<System, 'name' | 'costs'>[]): PriceList {
  const lists = new Map(systems.flatMap(({ name, costs = [] }) => (costs.length > 0 ? [[name, listOf(costs)]] : [])));
  return (system, operation) => lists.get(system)?.(operation) ?? null;
}

/** Agents choose operation names, so operations that no entry names share one price, and memory does not grow. */
function listOf(costs: readonly CostEntry[]): (operation: string) => Price | null {
  const named = [...new Set(costs.flatMap(({ operations = [] }) => operations))];
  const prices = new Map(named.map((operation) => [operation, priceOf(costs, operation)]));
  const others = priceOf(costs, null);
  return (operation) => prices.get(operation) ?? others;
}

function priceOf(costs: readonly CostEntry[], operation: string | null): Price | null {
  const own = costs.filter(
    ({ operations }) => operations === undefined || (operation !== null && operations.includes(operation)),
  );
  const metered = own.find((entry): entry is Metered => 'from' in entry) ?? null;
  const fixed = own.find((entry) => 'amount' in entry);
  if (!metered && !fixed) return null;
  return { metered, fixed: fixed ? { amount: fixed.amount, unit: fixed.unit } : null };
}
