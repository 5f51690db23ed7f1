import type { Logger } from 'pino';
import type { Drift } from '../domain/appraisal.ts';
import { isSafe, type Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import type { Event } from '../domain/event.ts';
import type { Journal } from '../domain/journal.ts';
import type { Caller, Completion, Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import { maskText } from '../domain/secret.ts';
import type { UsageMeter } from '../domain/usage.ts';
import type { Alerts } from './alert.ts';
import { createCallLines, eventId, resourceOf, type Place } from './call-lines.ts';
import { createCanonicalLine } from './canonical-line.ts';
import { failureOfRefusal } from './failure.ts';
import type { CallMetrics } from './metrics.ts';

export type Recorder = {
  /**
   * Puts the decision on record. For an unsafe method it resolves when the record is durable, and nothing may go
   * upstream before; for a safe one it is durable within 100 ms.
   * @throws Problem `journal-unavailable`: then there is no record, and so there must be no call
   */
  decided(call: Call, decision: Decision): Promise<void> | undefined;
  /** How a call that is on record stands there, for whoever records more of it. */
  place(call: Call): Place;
  /** Puts the end of an exchange on record, in the log and in the metrics. Never throws: the agent has its answer. */
  completed(
    exchange: Exchange,
    caller: Caller | null,
    call: Call | null,
    decision: Decision | null,
    completion: Completion,
  ): void;
};

export function createRecorder(deps: {
  readonly journal: Journal;
  readonly node: string;
  readonly log: Logger;
  readonly metrics: CallMetrics;
  readonly alerts: Pick<Alerts, 'raise'>;
  readonly clock: Clock;
  /** Takes out of a decision what must not be kept, unless it `spares` it: in the journal there are only such. */
  readonly mask: { mask(event: Event): Event; spares(input: string, reason: string): boolean };
  readonly usage: UsageMeter;
}): Recorder {
  const { journal, node, log, metrics, alerts, clock, mask, usage } = deps;
  const lines = createCallLines(node);
  const logCall = createCanonicalLine(log);
  /** What else is recorded of a call of which something had to be masked: by then its input may be gone. */
  const masked = new WeakMap<Call, Place>();

  function appendMasked(call: Call, decision: Decision): void {
    // The input may be long: it is written out when it has been masked, or dropped.
    const event = mask.mask({ ...(JSON.parse(lines.decided(call, decision, '')) as Event), input: call.input });
    const { path = '', operation = '', resource = '' } = event;
    if (event.masked) masked.set(call, { path, operation, resource });
    journal.append(event);
  }

  /** The end of a call, which happens whether it can be recorded or not. */
  function appended(append: () => void, decisionId: string): void {
    try {
      append();
    } catch (err) {
      metrics.unrecorded();
      log.error({ err, decision_id: decisionId }, 'the end of a call could not be recorded');
    }
  }

  function ended(call: Call, decision: Decision, completion: Completion, took: number, at: number): void {
    usage.completed(call, decision, completion.cost);
    const place = masked.get(call);
    if (decision.alert.length > 0) {
      const { reason = '', ...alert } = JSON.parse(lines.decided(call, decision, '')) as Event;
      alerts.raise(decision, { ...alert, ...place, reason: maskText(reason) });
    }
    appended(() => {
      const read = decision.verdict === 'allow' && isSafe(call.method);
      journal.appendLine(lines.completed(call, decision, completion, { at, took, place }), read);
      const { drift, status } = completion;
      if (drift) journal.append({ ...drifted(call, decision, drift, node), ...place, at, status });
    }, decision.id);
  }

  /**
   * Refused before policy could see it. Whose attempt it was is known, so it is on record; what comes without a known
   * credential is in the log and the metrics alone, or anybody could fill the journal.
   */
  function refused({ request, receivedAt }: Exchange, { principal, system }: Caller, completion: Completion): void {
    const event: Event = {
      event_id: createId('evt'),
      at: receivedAt,
      node,
      type: 'call.refused',
      layer: 'decide',
      agent: principal.agent,
      owner: principal.owner,
      system: system.name,
      method: request.method ?? '',
      verdict: 'block',
      channel: 'agent',
      failure: failureOfRefusal(completion),
      status: completion.status,
      ...(completion.code !== null && { code: completion.code }),
      actor: 'gateway',
      actor_kind: 'gateway',
    };
    appended(() => journal.append(event), '');
  }

  return {
    decided(call, decision) {
      const read = isSafe(call.method);
      if (mask.spares(call.input, decision.reason))
        journal.appendLine(lines.decided(call, decision, call.input), read && decision.verdict === 'allow');
      else appendMasked(call, decision);
      usage.decided(call, decision);
      return read ? undefined : journal.flushed();
    },

    place: (call) => masked.get(call) ?? { path: call.path, operation: call.operation, resource: resourceOf(call) },

    completed(exchange, caller, call, decision, completion) {
      const now = clock();
      const took = now - exchange.receivedAt;
      const verdict = decision?.verdict ?? 'block';
      const { status, code, holdId } = completion;
      metrics.completed(caller?.system.name ?? '', verdict, status, took, decision?.decideMicros ?? null);
      if (call && decision) ended(call, decision, completion, took, now);
      else if (caller) refused(exchange, caller, completion);

      const fields = {
        decision_id: decision?.id,
        call_id: call?.id,
        hold_id: holdId ?? undefined,
        agent: caller?.principal.agent,
        system: caller?.system.name,
        operation: call ? (masked.get(call) ?? call).operation : undefined,
        method: exchange.request.method,
        verdict,
        status,
        code: code ?? undefined,
        ms: took,
        decide_us: decision?.decideMicros,
      };
      if (status < 500) logCall(now, fields);
      else log.warn({ ...fields, err: completion.cause ?? undefined, fault: decision?.fault ?? undefined }, 'call');
    },
  };
}

/** Rules and revision are those that found it, not those that decided. */
function drifted(call: Call, decision: Decision, { rules, reason, policyRevision }: Drift, node: string) {
  return {
    ...attribution(call, decision, node),
    event_id: eventId(call.id, 'x'),
    type: 'call.drifted',
    layer: 'record',
    rules,
    reason: maskText(reason),
    policy_revision: policyRevision,
    failure: 'system-drifted',
    actor: 'policy',
    actor_kind: 'gateway',
  } as const;
}

function attribution(call: Call, decision: Decision, node: string) {
  const { principal } = call;
  return {
    node,
    decision_id: decision.id,
    call_id: call.id,
    agent: principal.agent,
    owner: principal.owner,
    on_behalf_of: principal.onBehalfOf,
    system: call.system,
    operation: call.operation,
    path: call.path,
    resource: resourceOf(call),
    method: call.method,
    verdict: decision.verdict,
    rules: decision.rules.map((rule) => rule.id),
    channel: 'agent',
    policy_revision: decision.policyRevision,
    ...(call.traceId !== null && { trace_id: call.traceId }),
  } as const;
}
