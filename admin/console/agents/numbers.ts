import type { ReportRow } from '../../../gateway/domain/report.ts';
import { addedUp, type Cost } from '../text/costs.ts';

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
          // An agent that changed its owner has a row for each.
          costs: addedUp((costsOf.get(agent) ?? []).map(costIn)),
        },
      ];
    }),
  );
}

function costIn({ cost_unit, cost }: ReportRow): Cost {
  return { unit: String(cost_unit), amount: Number(cost) };
}
