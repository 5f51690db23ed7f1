import { unload, type Call } from '../domain/call.ts';
import { inputText } from '../domain/call-input.ts';
import { triggerOf, type Decision } from '../domain/decision.ts';
import { headerValue } from '../domain/headers.ts';
import type { DigestAction } from '../domain/hold.ts';
import type { HoldDraft, HoldStore } from '../domain/hold-store.ts';
import { Problem } from '../domain/problem.ts';
import { isShowable } from '../domain/showable.ts';
import type { Reply } from '../domain/reply.ts';
import type { OpenCallIndex } from './open-call-index.ts';
import { destinationOf } from '../domain/further-host.ts';
import type { System } from '../domain/system.ts';
import type { HeldSince } from './wait/serve-held-call.ts';

/**
 * Stops a call at its hold point. The call is stored before any reviewer is notified. An identical retry finds the same
 * hold. `call` must not be judged or sent afterwards.
 * The result throws Problem `not-showable` for a call that no reviewer could be shown in full, and so none could approve.
 */
export function createHoldPoint(deps: {
  readonly holds: Pick<HoldStore, 'open'>;
  /** Opens the hold while no call like it is forwarded. */
  readonly opening: OpenCallIndex['opening'];
  /** Names this process. */
  readonly sender: string;
  readonly digest: DigestAction;
  readonly systems: ReadonlyMap<string, System>;
  /** The call as its events record it. */
  readonly onRecord: (call: Call) => NonNullable<HoldDraft['onRecord']>;
}): (call: Call, decision: Decision, reply: Reply) => Promise<HeldSince> {
  const { holds, opening, sender, digest, systems, onRecord } = deps;

  function draft(call: Call, decision: Decision, handle: boolean): HoldDraft {
    const { principal, system, operation, method, path, idempotencyKey, traceId, claims } = call;
    const { rules, reason, policyRevision, terms, cost } = decision;
    const to = systems.get(system);
    if (!terms) throw new Error('a decision to hold has terms');
    return {
      principal,
      callId: call.id,
      decisionId: decision.id,
      system,
      operation,
      method,
      path,
      onRecord: onRecord(call),
      ...(to && { upstream: destinationOf(to, call.target) }),
      digest: digest(call, call),
      earlierDigest: digest.earlier(call, call),
      envelope: digest.envelope(call, call),
      idempotencyKey,
      rules,
      trigger: triggerOf(rules, 'hold'),
      reason,
      policyRevision,
      terms,
      cost,
      claims: {
        session: claims.session ?? null,
        task: claims.task ?? null,
        confidence: claims.confidence ?? null,
        flags: claims.flags ?? [],
        reversible: claims.reversible ?? null,
      },
      handle,
      ...(call.mcp && { mcp: true }),
      call: {
        method,
        target: call.target,
        headers: call.headers,
        body: call.body,
        input: inputText(call.input),
        ...(call.otherReadings.length > 0 && { otherReadings: call.otherReadings.map(inputText) }),
      },
      traceId,
    };
  }

  return async (call, decision, reply) => {
    const since = performance.now();
    const handle = reply.preference.async && !reply.tunnel;
    const drafted = draft(call, decision, handle);
    if (!isShowable(drafted.call)) throw new Problem('not-showable', { extras: ruleOf(decision) });
    const hold = await opening(call.id, drafted.digest, async () => (await holds.open(drafted, sender)).hold);
    const client = clientOf(call);
    const request = call.mcp?.request;
    unload(call);
    return { hold, since, client, ...(request !== undefined && { request }) };
  };
}

function ruleOf({ rules }: Decision): { rule?: string } {
  return rules[0] ? { rule: rules[0].id } : {};
}

/** The program of an agent: programs differ in how long they wait. */
function clientOf({ principal, headers }: Call): string {
  return `${principal.agent} ${headerValue(headers, 'user-agent') ?? ''}`;
}
