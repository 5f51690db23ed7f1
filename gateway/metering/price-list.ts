import type { Cost } from '../domain/cost.ts';
import type { CostEntry, System } from '../domain/system.ts';

/** How an answer says what its call cost. */
export type Metered = Extract<CostEntry, { from: object }>;

/** What is known of the cost of an operation before any call of it. */
export type Price = {
  /** Where the answer tells; null when it does not. */
  readonly metered: Metered | null;
  /** What every call costs of which nothing better is known. */
  readonly fixed: Cost | null;
};

/** What an operation of a system costs; null when nobody said. Two look-ups. */
export type PriceList = (system: string, operation: string) => Price | null;

/**
 * Of each kind of entry, those that read the answer and those that give an amount, the first counts that names the
 * operation or names none.
 */
export function createPriceList(systems: readonly Pick<System, 'name' | 'costs'>[]): PriceList {
  const lists = new Map(systems.flatMap(({ name, costs = [] }) => (costs.length > 0 ? [[name, listOf(costs)]] : [])));
  return (system, operation) => lists.get(system)?.(operation) ?? null;
}

/** Agents choose the names of operations, so those that no entry names share one price, and nothing grows with them. */
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
