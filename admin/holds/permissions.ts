import type { CallHold, HeldCall, Hold } from '../../gateway/domain/hold.ts';
import type { HoldCommand } from '../../gateway/domain/hold-command.ts';
import type { Reviewer } from '../../gateway/domain/principal.ts';
import type { AdminDeps } from '../deps.ts';
import type { Permissions } from '../api/hold-schemas.ts';

/** As what somebody may cancel a hold that waits: the agent's owner, or an operator. Null: not at all. */
export function cancelsAs(hold: Hold, { id, roles }: Reviewer): 'owner' | 'operator' | null {
  if (id === hold.principal.owner) return 'owner';
  return roles.includes('operator') ? 'operator' : null;
}

/** An edit that changes nothing: what the state machine says to it, it says to any. */
export function emptyEdit(hold: CallHold, call: HeldCall) {
  const { digest, envelope, rules, reason, terms, cost, policyRevision } = hold;
  return { type: 'edit', call, digest, envelope, judgement: { rules, reason, terms, cost, policyRevision } } as const;
}

/**
 * What this person may do with this hold now. Asked of the state machine with the commands that would be sent, so that
 * what is offered is what would be accepted.
 * @param unseen why the held call cannot be shown whole; null when it is
 */
export function permissions(
  transition: AdminDeps['transition'],
  hold: Hold,
  call: HeldCall | null,
  by: Reviewer,
  unseen: string | null,
  now: number,
): Permissions {
  const as = { by, channel: 'api', revision: hold.revision, note: null } as const;
  const refusal = (command: HoldCommand): string | null => {
    const foreseen = transition(hold, command, now);
    return 'refused' in foreseen ? foreseen.detail : null;
  };
  const may = (command: HoldCommand) => refusal(command) === null;
  const why = refusal({ type: 'approve', seenAt: null, grant: null, ...as }) ?? unseen;
  const canceller = cancelsAs(hold, by);
  const isEditable = hold.kind === 'approval' && call !== null && unseen === null && hold.terms.editable.length > 0;
  return {
    claim: may({ type: 'claim', ...as }),
    approve: why === null,
    edit: isEditable && may({ ...emptyEdit(hold, call), seenAt: null, ...as }),
    reject: may({ type: 'reject', code: 'other', ...as }),
    // To somebody who cannot decide yet: which groups those are is another question.
    escalate: may({ type: 'escalate', to: ['\0'], ...as }),
    take_over: may({ type: 'take-over', ...as }),
    outcome: may({ type: 'outcome', result: 'executed', reference: 'seen', ...as }),
    answer: may({ type: 'answer', answer: { option: null, data: null }, ...as }),
    accept: may({ type: 'accept', ...as }),
    return: may({ type: 'return', code: 'other', ...as }),
    note: may({ type: 'note', text: 'note', ...as }),
    cancel: canceller !== null && may({ type: 'cancel', by: by.id, as: canceller, channel: 'api', reason: null }),
    why,
  };
}
