import type { Decision } from '../domain/decision.ts';
import { complete, type Completion } from '../domain/completion.ts';
import { createId } from '../domain/id.ts';
import { Problem } from '../domain/problem.ts';
import type { Reply } from '../domain/reply.ts';

/**
 * Refuses a call that policy blocks, with the rule's reason. A policy that failed also blocks; the agent may retry
 * later.
 */
export function block(decision: Decision, reply: Reply): Completion {
  const rule = decision.rules[0];
  const problem =
    decision.fault === null
      ? new Problem('blocked', { detail: decision.reason, extras: rule ? { rule: rule.id } : {} })
      : new Problem('policy-unavailable', { cause: new Error(decision.fault), extras: { retry_after: 30 } });
  return refuse(problem, decision, reply);
}

/**
 * Answers with the Problem that a stage threw. Any other error is the gateway's own fault, and only the log names it.
 */
export function refuse(reason: unknown, decision: Decision | null, reply: Reply): Completion {
  const problem = reason instanceof Problem ? reason : new Problem('internal', { cause: reason });
  const { gone } = reply;
  reply.problem(decision?.id ?? createId('dec'), decision?.verdict ?? 'block', problem);
  return complete(gone ? 0 : problem.status, { code: problem.code, cause: problem.cause ?? null });
}
