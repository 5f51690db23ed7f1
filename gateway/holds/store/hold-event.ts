import { rulesOf } from '../../domain/decision.ts';
import type { CallHold, Hold } from '../../domain/hold.ts';
import { maskPath, maskText } from '../../secrets/secret.ts';
import type { Step } from '../changes/change.ts';
import type { EventDraft } from './unit-of-work.ts';

/**
 * The ledger's row for one step in a hold's life: the step, and what is known of the hold. Like a call's event it says nothing that
 * looks like a secret, not even in the words of people.
 */
export function holdEvent(hold: Hold, step: Step, traceId: string | null): EventDraft {
  const { session, task, confidence, flags } = hold.claims;
  return {
    decision_id: hold.decisionId,
    hold_id: hold.id,
    agent: hold.principal.agent,
    owner: hold.principal.owner,
    on_behalf_of: hold.principal.onBehalfOf,
    ...(session !== null && { session: maskText(session) }),
    ...(task !== null && { task: maskText(task) }),
    ...(hold.kind === 'approval' ? ofCall(hold) : { trigger: 'rule' }),
    verdict: 'hold',
    ...(confidence !== null && { confidence }),
    ...(flags.length > 0 && { flags: flags.map(maskText) }),
    ...(traceId !== null && { trace_id: traceId }),
    ...step,
    reason: maskText(step.reason ?? hold.reason),
    ...(step.changes && { changes: step.changes.map(maskText) }),
  };
}

function ofCall(hold: CallHold) {
  const { operation, path, resource } = hold.onRecord ?? { ...hold, resource: '' };
  return {
    call_id: hold.callId,
    system: hold.system,
    operation: maskText(operation),
    method: hold.method,
    path: maskPath(path),
    resource: maskText(resource),
    rules: rulesOf('hold', hold.rules).map(({ id }) => id),
    trigger: hold.trigger,
    policy_revision: hold.policyRevision,
  } as const;
}
