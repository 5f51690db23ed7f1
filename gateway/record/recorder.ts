import type { Logger } from 'pino';
import type { Drift } from '../domain/metering.ts';
import { isSafe, type Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { layerOf, type Event } from '../domain/event.ts';
import type { Journal } from '../domain/journal.ts';
import type { CallInput } from '../domain/call-input.ts';
import type { AnswerNote } from '../domain/upstream-sink.ts';
import type { Completion } from '../domain/completion.ts';
import type { Caller, Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import { maskText } from '../secrets/secret.ts';
import type { UsageMeter } from '../domain/usage.ts';
import type { Alerts } from './alerts.ts';
import { channelOf, createCallLines, eventId, resourceOf, type End, type Place } from './call-events.ts';
import type { LogCall } from './canonical-line.ts';
import { failureOfRefusal } from './failure.ts';
import type { CallMetrics } from './call-metrics.ts';

type Recorder = {
  /**
   * Records the decision. For an unsafe method it resolves when the record is durable; nothing may go upstream before.
   * For a safe method the record is durable within 100 ms.
   * @throws Problem `journal-unavailable`: a call that cannot be recorded must not be made
   */
  decided(call: Call, decision: Decision): Promise<void> | undefined;
  /** The place of a recorded call, for its further events. */
  place(call: Call): Place;
  /**
   * Writes the end of a call to journal, log and metrics; `decision` is null when the decision point gave none.
   * Never throws: the agent has its response.
   */
  completed(call: Call, decision: Decision | null, completion: Completion): void;
  /** Like `completed`, for an exchange that was refused before its calls were judged; `caller` is null when unknown. */
  refused(exchange: Pick<Exchange, 'request' | 'receivedAt'>, caller: Caller | null, completion: Completion): void;
};

export function createRecorder(deps: {
  readonly journal: Journal;
  readonly node: string;
  readonly log: Logger;
  readonly logCall: LogCall;
  readonly metrics: CallMetrics;
  readonly alerts: Pick<Alerts, 'raise'>;
  readonly clock: Clock;
  /** Removes secrets from a decision before it reaches the journal; `spares` tells that it has none. */
  readonly mask: {
    mask(event: Event, input: CallInput): Event;
    spares(input: CallInput, reason: string): boolean;
  };
  readonly usage: UsageMeter;
}): Recorder {
  const { journal, node, log, logCall, metrics, alerts, clock, mask, usage } = deps;
  const lines = createCallLines(node);
  /** Places of masked calls, kept for their further events: their inputs may be gone by then. */
  const masked = new WeakMap<Call, Place>();

  function appendMasked(call: Call, decision: Decision): void {
    // The input may be long, so it is serialized only after masking, or dropped.
    const event = mask.mask(JSON.parse(lines.decidedBriefly(call, decision)) as Event, call.input);
    const { path = '', operation = '', resource = '' } = event;
    if (event.masked) masked.set(call, { path, operation, resource });
    journal.append(event);
  }

  function place(call: Call): Place {
    return masked.get(call) ?? { path: call.path, operation: call.operation, resource: resourceOf(call) };
  }

  /** The end of a call cannot be undone when recording it fails, so the failure is counted and logged. */
  function atEnd(type: Event['type'], decisionId: string, append: () => void): void {
    try {
      append();
    } catch (err) {
      metrics.unrecorded();
      log.error({ err, decision_id: decisionId, type }, 'the end of a call could not be recorded');
    }
  }

  function ended(call: Call, decision: Decision, completion: Completion, end: End): void {
    usage.completed(call, completion.cost);
    if (decision.alert.length > 0) {
      const { reason = '', ...alert } = JSON.parse(lines.decidedBriefly(call, decision)) as Event;
      alerts.raise(decision, { ...alert, ...end.place, reason: maskText(reason) });
    }
    atEnd('call.completed', decision.id, () =>
      journal.appendLine(lines.completed(call, decision, completion, end), isAllowedRead(call, decision)),
    );
    const { drift, status, notes } = completion;
    if (drift)
      atEnd('call.drifted', decision.id, () =>
        journal.append({ ...drifted(call, decision, drift, node), ...place(call), at: end.at, status }),
      );
    for (const code of notes)
      atEnd('call.noted', decision.id, () =>
        journal.append({ ...noted(call, decision, code, node), ...place(call), at: end.at, status }),
      );
  }

  /** Records an attempt of a known caller that was refused before policy judged it. */
  function recordRefusal({ principal, system, method, receivedAt }: Attempt, completion: Completion): void {
    const event: Event = {
      event_id: createId('evt'),
      at: receivedAt,
      node,
      type: 'call.refused',
      layer: layerOf('call.refused'),
      agent: principal.agent,
      owner: principal.owner,
      system,
      method,
      verdict: 'block',
      channel: channelOf({ principal }),
      failure: failureOfRefusal(completion),
      status: completion.status,
      ...(completion.code !== null && { code: completion.code }),
      actor: 'gateway',
      actor_kind: 'gateway',
    };
    atEnd(event.type, '', () => journal.append(event));
  }

  function logEnd(
    now: number,
    attempt: Pick<Attempt, 'method' | 'receivedAt'> & Partial<Attempt>,
    call: Call | null,
    decision: Decision | null,
    completion: Completion,
  ): void {
    const { status, code, holdId } = completion;
    const fields = {
      decision_id: decision?.id,
      call_id: call?.id,
      hold_id: holdId ?? undefined,
      agent: attempt.principal?.agent,
      system: attempt.system,
      operation: (call && (masked.get(call) ?? call))?.operation,
      method: attempt.method,
      verdict: decision?.verdict ?? 'block',
      status,
      code: code ?? undefined,
      ms: now - attempt.receivedAt,
      decide_us: decision?.decideMicros,
    };
    if (status < 500) logCall(now, fields);
    else log.warn({ ...fields, err: completion.cause ?? undefined, fault: decision?.fault ?? undefined }, 'call');
  }

  return {
    decided(call, decision) {
      if (mask.spares(call.input, decision.reason))
        journal.appendLine(lines.decided(call, decision), isAllowedRead(call, decision));
      else appendMasked(call, decision);
      usage.decided(call, decision);
      return isSafe(call.method) ? undefined : journal.flushed();
    },

    place,

    completed(call, decision, completion) {
      const now = clock();
      const took = now - call.receivedAt;
      const micros = decision?.decideMicros ?? null;
      metrics.completed(call.system, decision?.verdict ?? 'block', completion.status, took, micros);
      if (decision) ended(call, decision, completion, { at: now, took, place: masked.get(call) });
      else recordRefusal(call, completion);
      logEnd(now, call, call, decision, completion);
    },

    refused({ request, receivedAt }, caller, completion) {
      const now = clock();
      const method = request.method ?? '';
      metrics.completed(caller?.system.name ?? '', 'block', completion.status, now - receivedAt, null);
      // An attempt without a known credential appears only in log and metrics, or strangers could fill the journal.
      const known = caller && { principal: caller.principal, system: caller.system.name };
      if (known) recordRefusal({ ...known, method, receivedAt }, completion);
      // Nor may they fill the log.
      if (completion.code !== 'too-many-wrong-tokens')
        logEnd(now, { ...known, method, receivedAt }, null, null, completion);
    },
  };
}

/** Who tried what, as far as a refusal tells. */
type Attempt = Pick<Call, 'principal' | 'system' | 'method' | 'receivedAt'>;

/** Whether the call may go unrecorded where the configuration permits it: an allowed call with a safe method. */
function isAllowedRead({ method }: Call, { verdict }: Decision): boolean {
  return verdict === 'allow' && isSafe(method);
}

function noted(call: Call, { id, rules, verdict }: Decision, code: AnswerNote, node: string) {
  const { principal, traceId } = call;
  return {
    event_id: createId('evt'),
    node,
    type: 'call.noted',
    layer: layerOf('call.noted'),
    decision_id: id,
    call_id: call.id,
    agent: principal.agent,
    owner: principal.owner,
    on_behalf_of: principal.onBehalfOf,
    system: call.system,
    method: call.method,
    verdict,
    rules: rules.map((rule) => rule.id),
    code,
    actor: 'gateway',
    actor_kind: 'gateway',
    channel: channelOf(call),
    ...(traceId !== null && { trace_id: traceId }),
  } as const;
}

/** Rules and revision are those that found the drift, not those that decided. */
function drifted(call: Call, decision: Decision, { rules, reason, policyRevision }: Drift, node: string) {
  const { principal } = call;
  return {
    event_id: eventId(call.id, 'x'),
    node,
    type: 'call.drifted',
    layer: layerOf('call.drifted'),
    decision_id: decision.id,
    call_id: call.id,
    agent: principal.agent,
    owner: principal.owner,
    on_behalf_of: principal.onBehalfOf,
    system: call.system,
    method: call.method,
    verdict: decision.verdict,
    rules,
    reason: maskText(reason),
    policy_revision: policyRevision,
    failure: 'system-drifted',
    actor: 'policy',
    actor_kind: 'gateway',
    channel: channelOf(call),
    ...(call.traceId !== null && { trace_id: call.traceId }),
  } as const;
}
