import type { BatchResult, ContextPackage } from '../../../admin/api/hold-schemas.ts';
import { votes } from './hold-list.ts';
import { plain } from './plain-text.ts';

/** What became of a hold on which its reader has just decided. */
export function decisionLine({ hold_id, status, routing }: ContextPackage): string {
  if (status !== 'pending') return `${plain(hold_id)} is ${plain(status)}.\n`;
  return `Your approval counts; it waits for others: ${plain(votes(routing.demands))}.\n`;
}

/** What became of one hold of several. */
export function batchLine({ hold_id, problem }: BatchResult['items'][number]): string {
  return `${plain(hold_id)}: ${problem === null ? 'your approval counts' : `not approved. ${plain(problem.detail)}`}\n`;
}
