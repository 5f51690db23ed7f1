import type { Logger } from 'pino';
import type { Drift } from '../domain/appraisal.ts';
import { isSafe, type Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import { triggerOf, type Decision } from '../domain/decision.ts';
import { EVENT_VERSION, type Event, type Failure, type Layer } from '../domain/event.ts';
import type { Journal } from '../domain/journal.ts';
import type { Caller, Completion, Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import { maskText } from '../domain/secret.ts';
import type { UsageMeter } from '../domain/usage.ts';
import type { Alerts } from './alert.ts';
import { failureOfCall, failureOfDecision, failureOfRefusal } from './failure.ts';
import type { CallMetrics } from './metrics.ts';

/** What stands for a rule in a decision that blocks because none covers the call. */
const NO_RULE = 'holdpoint/default';

type Place = { readonly path: string; readonly operation: string; readonly resource: string };

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
  /** Takes out of a decision what must not be kept; in the journal there are only such. */
  readonly mask: (event: Event) => Event;
  readonly usage: UsageMeter;
}): Recorder {
  const { journal, node, log, metrics, alerts, clock, mask, usage } = deps;
  /** What else is recorded of a call of which something had to be masked: by then its input may be gone. */
  const masked = new WeakMap<Call, Place>();

  function append(event: Event, decisionId: string): void {
    try {
      journal.append(event);
    } catch (err) {
      metrics.unrecorded();
      log.error({ err, decision_id: decisionId, type: event.type }, 'the end of a call could not be recorded');
    }
  }

  return {
    decided(call, decision) {
      const event = mask(decided(call, decision, node));
      const { path = '', operation = '', resource = '' } = event;
      if (event.masked) masked.set(call, { path, operation, resource });
      journal.append(event);
      usage.decided(call, decision);
      return isSafe(call.method) ? undefined : journal.flushed();
    },

    place: (call) => masked.get(call) ?? placeOf(call),

    completed(exchange, caller, call, decision, completion) {
      const now = clock();
      const took = now - exchange.receivedAt;
      const verdict = decision?.verdict ?? 'block';
      const system = caller?.system.name ?? '';
      metrics.completed(system, verdict, completion.status, took, decision?.decideMicros ?? null);
      if (call && decision) usage.completed(call, decision, completion.cost);

      if (call && decision && decision.alert.length > 0) {
        const { reason = '', ...alert } = decided(call, decision, node);
        alerts.raise(decision, { ...alert, input: undefined, ...masked.get(call), reason: maskText(reason) });
      }
      if (call && decision) {
        append(completed(call, decision, completion, { at: now, took, node, place: masked.get(call) }), decision.id);
        const { drift, status } = completion;
        if (drift)
          append({ ...drifted(call, decision, drift, node), ...masked.get(call), at: now, status }, decision.id);
      } else if (caller) {
        // Refused before policy could see it. Whose attempt it was is known, so it is on record; what comes without a
        // known credential is in the log and the metrics alone, or anybody could fill the journal.
        append(
          {
            event_id: createId('evt'),
            at: exchange.receivedAt,
            node,
            type: 'call.refused',
            layer: 'decide',
            agent: caller.principal.agent,
            owner: caller.principal.owner,
            system,
            method: exchange.request.method ?? '',
            verdict: 'block',
            channel: 'agent',
            failure: failureOfRefusal(completion),
            status: completion.status,
            ...(completion.code !== null && { code: completion.code }),
            actor: 'gateway',
            actor_kind: 'gateway',
          },
          '',
        );
      }

      // The canonical line: one for each call, these fields and no others. No header, body or query is ever logged.
      const line = {
        decision_id: decision?.id,
        call_id: call?.id,
        hold_id: completion.holdId ?? undefined,
        agent: caller?.principal.agent,
        system: system || undefined,
        operation: call ? (masked.get(call) ?? call).operation : undefined,
        method: exchange.request.method,
        verdict,
        status: completion.status,
        code: completion.code ?? undefined,
        ms: took,
        decide_us: decision?.decideMicros,
      };
      if (completion.status >= 500)
        log.warn({ ...line, err: completion.cause ?? undefined, fault: decision?.fault ?? undefined }, 'call');
      else log.info(line, 'call');
    },
  };
}

/** A call has each of these events once at most, so its own id names them; that spares two random numbers a call. */
function eventId(call: Call, step: 'd' | 'c' | 'x'): string {
  return `evt_${call.id.slice('call_'.length)}${step}`;
}

// These two are written for every call: members in the order of the list are written out in half the time.
function decided(call: Call, decision: Decision, node: string): Event {
  const { principal, claims } = call;
  return {
    event_id: eventId(call, 'd'),
    at: call.receivedAt,
    version: EVENT_VERSION,
    node,
    type: 'call.decided',
    layer: 'decide',
    decision_id: decision.id,
    call_id: call.id,
    agent: principal.agent,
    owner: principal.owner,
    on_behalf_of: unlessEmpty(principal.onBehalfOf),
    session: claims.session,
    task: claims.task,
    system: call.system,
    operation: call.operation,
    method: call.method,
    path: call.path,
    resource: resourceOf(call),
    verdict: decision.verdict,
    rules: decision.rules.map((rule) => rule.id),
    trigger: triggered(decision),
    reason: decision.reason,
    policy_revision: decision.policyRevision,
    failure: failureOfDecision(decision) ?? undefined,
    fault: decision.fault === null ? undefined : maskText(decision.fault),
    actor: 'policy',
    actor_kind: 'gateway',
    channel: 'agent',
    decide_us: decision.decideMicros || undefined,
    request_bytes: call.body.length || undefined,
    confidence: claims.confidence,
    flags: unlessEmpty(claims.flags),
    input: call.input,
    trace_id: call.traceId ?? undefined,
  };
}

function completed(
  call: Call,
  decision: Decision,
  completion: Completion,
  { at, took, node, place }: { at: number; took: number; node: string; place: Place | undefined },
): Event {
  const { principal } = call;
  const failure = failureOfCall(decision, completion);
  return {
    event_id: eventId(call, 'c'),
    at,
    version: EVENT_VERSION,
    node,
    type: 'call.completed',
    layer: layerOf(failure, completion),
    decision_id: decision.id,
    call_id: call.id,
    hold_id: completion.holdId ?? undefined,
    agent: principal.agent,
    owner: principal.owner,
    on_behalf_of: unlessEmpty(principal.onBehalfOf),
    system: call.system,
    operation: place ? place.operation : call.operation,
    method: call.method,
    path: place ? place.path : call.path,
    resource: place ? place.resource : resourceOf(call),
    verdict: decision.verdict,
    rules: decision.rules.map((rule) => rule.id),
    policy_revision: decision.policyRevision,
    failure: failure ?? undefined,
    actor: principal.agent,
    actor_kind: 'agent',
    channel: 'agent',
    status: completion.status || undefined,
    code: completion.code ?? undefined,
    upstream_ms: rounded(completion.upstreamMs),
    held_ms: rounded(completion.heldMs),
    took_ms: took || undefined,
    response_bytes: completion.responseBytes || undefined,
    cost: completion.cost?.amount || undefined,
    cost_unit: completion.cost?.unit,
    trace_id: call.traceId ?? undefined,
  };
}

function unlessEmpty(names: readonly string[] | undefined): readonly string[] | undefined {
  return names === undefined || names.length === 0 ? undefined : names;
}

/** Whole milliseconds; nothing where it is none. */
function rounded(ms: number | null): number | undefined {
  return ms === null ? undefined : Math.round(ms) || undefined;
}

/** Rules and revision are those that found it, not those that decided. */
function drifted(call: Call, decision: Decision, { rules, reason, policyRevision }: Drift, node: string) {
  return {
    ...attribution(call, decision, node),
    event_id: eventId(call, 'x'),
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

/** In whose hands it was: the system's, if that failed; the agent's, if it was sent; else those of policy and people. */
function layerOf(failure: Failure | null, { upstreamMs }: Completion): Layer {
  if (failure === 'system-failed') return 'record';
  return upstreamMs === null ? 'decide' : 'execute';
}

function placeOf(call: Call): Place {
  return { operation: call.operation, path: call.path, resource: resourceOf(call) };
}

function resourceOf({ resource: { type, id } }: Call): string {
  return id === null ? type : `${type}/${id}`;
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
    ...placeOf(call),
    method: call.method,
    verdict: decision.verdict,
    rules: decision.rules.map((rule) => rule.id),
    channel: 'agent',
    policy_revision: decision.policyRevision,
    ...(call.traceId !== null && { trace_id: call.traceId }),
  } as const;
}

function triggered({ fault, rules, verdict }: Decision): NonNullable<Event['trigger']> {
  if (fault !== null) return 'fault';
  return rules.every(({ id }) => id === NO_RULE) ? 'default' : triggerOf(rules, verdict);
}
