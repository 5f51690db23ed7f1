import type { Decision } from '../domain/decision.ts';
import type { Failure } from '../domain/event.ts';
import type { Completion } from '../domain/completion.ts';
import type { ProblemCode } from '../domain/problem.ts';

/**
 * The failure that a problem stands for. The other codes are no failure: reviewers have not decided yet or in time, took
 * the call over, or another attempt has its own event.
 */
const FAILURE_OF: { readonly [Code in ProblemCode]?: Failure } = {
  'unknown-system': 'boundary-exceeded',
  'system-not-granted': 'boundary-exceeded',
  suspended: 'boundary-exceeded',
  stopped: 'boundary-exceeded',
  'bad-request': 'boundary-exceeded',
  'ambiguous-path': 'boundary-exceeded',
  'bad-body': 'boundary-exceeded',
  'bad-context': 'boundary-exceeded',
  'body-too-large': 'boundary-exceeded',
  'unsupported-encoding': 'boundary-exceeded',
  'key-reused': 'boundary-exceeded',
  blocked: 'boundary-exceeded',
  rejected: 'boundary-exceeded',
  superseded: 'boundary-exceeded',
  'upstream-unreachable': 'system-failed',
  'upstream-failed': 'system-failed',
  'answer-head-too-large': 'system-failed',
  'upstream-timeout': 'system-failed',
  'policy-unavailable': 'gateway-failed',
  'journal-unavailable': 'gateway-failed',
  'store-unavailable': 'gateway-failed',
  overloaded: 'gateway-failed',
  'loop-detected': 'gateway-failed',
  draining: 'gateway-failed',
  internal: 'gateway-failed',
};

/** The failure in a decision; null without one. */
export function failureOfDecision({ fault, verdict }: Decision): Failure | null {
  if (fault !== null) return 'policy-wrong';
  return verdict === 'block' ? 'boundary-exceeded' : null;
}

/** The failure of a call as a whole; null without one. */
export function failureOfCall(decision: Decision, { code, status }: Completion): Failure | null {
  if (decision.fault !== null) return 'policy-wrong';
  // Without a problem code, the status is the system's.
  return code === null ? (status >= 500 ? 'system-failed' : null) : (FAILURE_OF[code as ProblemCode] ?? null);
}

/** The failure of a call that was refused before policy judged it. */
export function failureOfRefusal({ code, status }: Completion): Failure {
  return FAILURE_OF[code as ProblemCode] ?? (status >= 500 ? 'gateway-failed' : 'boundary-exceeded');
}
