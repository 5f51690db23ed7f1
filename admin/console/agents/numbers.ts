import type { ReportRow } from '../../../gateway/domain/report.ts';

export type Cost = { readonly unit: string; readonly amount: number };

/** What the record has of one agent within the period. */
export type AgentNumbers = {
  readonly agent: string;
  readonly owner: string;
  readonly calls: number;
  readonly allowed: number;
  readonly held: number;
  readonly blocked: number;
  /** Its holds of levels 2 and 3. */
  readonly toApprove: number;
  readonly toTakeOver: number;
  /** RFC 3339. */
  readonly lastAt: string;
  /** Different units are never added up. */
  readonly costs: readonly Cost[];
};

/** The rows of the reports `agents` and `cost`, by agent. */
export function numbersIn(
  agents: readonly ReportRow[],
  costs: readonly ReportRow[],
): ReadonlyMap<string, AgentNumbers> {
  const costsOf = Map.groupBy(costs, ({ agent }) => agent);
  return new Map(
    agents.map((row) => {
      const count = (name: string) => Number(row[name]);
      const agent = String(row['agent']);
      return [
        agent,
        {
          agent,
          owner: String(row['owner']),
          calls: count('calls'),
          allowed: count('allowed'),
          held: count('held'),
          blocked: count('blocked'),
          toApprove: count('to_approve'),
          toTakeOver: count('to_take_over'),
          lastAt: String(row['last_at']),
          costs: addedUp(costsOf.get(agent) ?? []),
        },
      ];
    }),
  );
}

/** An agent that changed its owner has a row for each. */
function addedUp(rows: readonly ReportRow[]): Cost[] {
  const byUnit = Map.groupBy(rows, ({ cost_unit }) => String(cost_unit));
  return [...byUnit].map(([unit, of]) => ({ unit, amount: of.reduce((sum, { cost }) => sum + Number(cost), 0) }));
}

const COUNT = new Intl.NumberFormat('en-GB');
const AMOUNT = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `1,204` */
export const countWords = (count: number): string => COUNT.format(count);

/** `1 call`, `1,204 calls` */
export const callWords = (calls: number): string => `${countWords(calls)} ${calls === 1 ? 'call' : 'calls'}`;

/** `12.50 EUR`, `900 tokens` */
export function costWords({ unit, amount }: Cost): string {
  return `${(Number.isInteger(amount) ? COUNT : AMOUNT).format(amount)} ${unit}`;
}
