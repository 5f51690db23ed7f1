import type { HoldSummary } from '../../../admin/api/hold-schemas.ts';
import { plain } from './plain-text.ts';
import { table } from './table.ts';

const HEAD = ['HOLD', 'STATUS', 'WHAT', 'AGENT', 'APPROVALS', 'EXPIRES IN', 'WHO'];

/** Holds as a table, one a line. */
export function holdList(holds: readonly HoldSummary[], now: number): string {
  if (holds.length === 0) return 'No holds.\n';
  return `${table([HEAD, ...holds.map((hold) => row(hold, now).map(plain))]).join('\n')}\n`;
}

function row(hold: HoldSummary, now: number): string[] {
  const { hold_id, status, execution, kind, agent, action, policy, routing, overdue } = hold;
  const done = execution === 'none' ? status : `${status}, ${execution}`;
  return [
    hold_id,
    overdue ? `${done}, overdue` : done,
    action ? `${action.system} ${action.operation}` : `${kind}: ${policy.reason}`,
    agent.id,
    status === 'pending' && kind === 'approval' ? votes(routing.demands) : '-',
    status === 'pending' ? span(Date.parse(hold.expires_at) - now) : '-',
    routing.lease ? `${routing.lease.by} is at it` : (routing.assignee ?? '-'),
  ];
}

/** Such as `1 of 2 finance, 0 of 1 legal`. */
export function votes(demands: HoldSummary['routing']['demands']): string {
  return demands
    .map(({ groups, quorum, approvals }) => `${approvals} of ${quorum} ${groups.join('/') || 'anybody'}`)
    .join(', ');
}

function span(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return ms > 0 ? 'under 1m' : 'now';
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${minutes % 60}m` : `${Math.floor(hours / 24)}d`;
}
