import type { Hold } from '../../domain/hold.ts';
import type { Step } from '../changes.ts';
import type { Happening } from './recording.ts';

/** The ledger's row for one step in a hold's life: the step, and whose hold it is. */
export function holdEvent(hold: Hold, step: Step, traceId: string | null): Happening {
  const { session, task, confidence, flags } = hold.claims;
  return {
    decision_id: hold.decisionId,
    ...(hold.callId !== '' && { call_id: hold.callId }),
    hold_id: hold.id,
    agent: hold.principal.agent,
    owner: hold.principal.owner,
    on_behalf_of: hold.principal.onBehalfOf,
    ...(session !== null && { session }),
    ...(task !== null && { task }),
    system: hold.system,
    operation: hold.operation,
    method: hold.method,
    path: hold.path,
    verdict: 'hold',
    rules: hold.rules.map((rule) => rule.id),
    trigger: hold.trigger,
    reason: hold.reason,
    policy_revision: hold.policyRevision,
    ...(confidence !== null && { confidence }),
    ...(flags.length > 0 && { flags }),
    ...(traceId !== null && { trace_id: traceId }),
    ...step,
  };
}
