import type { ServerResponse } from 'node:http';
import type { Call } from '../domain/call.ts';
import type { Decision, Verdict } from '../domain/decision.ts';
import type { Completion, Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import { Problem } from '../domain/problem.ts';
import { breakOff } from './reply/break-off.ts';
import { complete } from './completion.ts';

/** Where an agent reads the state of its hold, on every address of the agents listener. */
export function holdLocation(holdId: string): string {
  return `/-/holds/${holdId}`;
}

/**
 * Answers with a problem (RFC 9457) instead of the upstream. A 403 tells SDKs not to retry: policy and people do not
 * change their mind because a client insists.
 */
export function sendProblem(response: ServerResponse, problem: Problem, decisionId: string, verdict: Verdict): void {
  if (response.headersSent) {
    // Too late for an answer of ours; an answer cut short must not look complete.
    breakOff(response);
    return;
  }
  const { retry_after, hold_id } = problem.extras;
  const body = Buffer.from(JSON.stringify({ ...problem.toJSON(), decision_id: decisionId }));
  const headers: Record<string, string | number> = {
    'content-type': acceptedType(response.req.headers.accept),
    'content-length': body.length,
    'holdpoint-decision': decisionId,
    'holdpoint-verdict': verdict,
  };
  if (problem.status === 403 || problem.status === 409) {
    headers['x-should-retry'] = 'false';
    headers['stripe-should-retry'] = 'false';
  }
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer realm="holdpoint"';
  if (retry_after !== undefined) headers['retry-after'] = retry_after;
  if (problem.code === 'approval-pending' && hold_id !== undefined) headers['location'] = holdLocation(hold_id);
  // What is left of an unread body, or of a request whose end is in doubt, must not be taken for the next request.
  if (!response.req.complete || problem.code === 'bad-request') headers['connection'] = 'close';
  response.writeHead(problem.status, headers);
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Refuses what policy blocks, in the words of the rule. A policy that failed blocks too, but says so: try again later. */
export function block(_call: Call, decision: Decision, exchange: Exchange): Completion {
  const rule = decision.rules[0];
  const problem =
    decision.fault === null
      ? new Problem('blocked', { detail: decision.reason, extras: rule ? { rule: rule.id } : {} })
      : new Problem('policy-unavailable', { cause: new Error(decision.fault), extras: { retry_after: 30 } });
  return refuse(problem, decision, exchange);
}

/** Refuses for whatever a stage threw; what is not a Problem is the gateway's own fault, and only the log learns it. */
export function refuse(reason: unknown, decision: Decision | null, { response }: Exchange): Completion {
  const problem = reason instanceof Problem ? reason : new Problem('internal', { cause: reason });
  const gone = response.destroyed;
  sendProblem(response, problem, decision?.id ?? createId('dec'), decision?.verdict ?? 'block');
  return complete(gone ? 0 : problem.status, { code: problem.code, cause: problem.cause ?? null });
}

/**
 * A client that asks for a JSON type of its vendor alone, as Octokit does, reads no other; it gets the same problem as
 * plain JSON, or its user would see an "unknown error" instead of the reason.
 */
function acceptedType(accept: string | undefined): string {
  const vendorOnly = accept !== undefined && /^application\/vnd\.[^,]*json[^,]*$/.test(accept);
  return vendorOnly ? 'application/json' : 'application/problem+json';
}
