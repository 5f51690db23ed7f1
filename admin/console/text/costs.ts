import { whole } from './counts.ts';

export type Cost = { readonly unit: string; readonly amount: number };

const AMOUNT = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `12.50 EUR`, `900 tokens` */
export function costWords({ unit, amount }: Cost): string {
  return `${Number.isInteger(amount) ? whole(amount) : AMOUNT.format(amount)} ${unit}`.trim();
}

/** The sum for each unit, by the names of the units, which are never added up with each other. */
export function addedUp(costs: readonly Cost[]): Cost[] {
  return [...Map.groupBy(costs, ({ unit }) => unit)]
    .map(([unit, own]) => ({ unit, amount: own.reduce((sum, { amount }) => sum + amount, 0) }))
    .toSorted((a, b) => (a.unit < b.unit ? -1 : 1));
}
