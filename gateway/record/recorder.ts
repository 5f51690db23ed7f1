import type { Logger } from 'pino';
import { isSafe, type Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import { triggerOf, type Decision } from '../domain/decision.ts';
import type { Event } from '../domain/event.ts';
import type { Journal } from '../domain/journal.ts';
import type { Caller, Completion, Exchange } from '../domain/exchange.ts';
import { createId } from '../domain/id.ts';
import type { Alerts } from './alert.ts';
import type { CallMetrics } from './metrics.ts';

/** What stands for a rule in a decision that blocks because none covers the call. */
const NO_RULE = 'holdpoint/default';

export type Recorder = {
  /**
   * Puts the decision on record. For an unsafe method it resolves when the record is durable, and nothing may go
   * upstream before; for a safe one it is durable within 100 ms.
   * @throws Problem `journal-unavailable`: then there is no record, and so there must be no call
   */
  decided(call: Call, decision: Decision): Promise<void> | undefined;
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
}): Recorder {
  const { journal, node, log, metrics, alerts, clock } = deps;

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
      journal.append(decided(call, decision, node));
      return isSafe(call.method) ? undefined : journal.flushed();
    },

    completed(exchange, caller, call, decision, completion) {
      const now = clock();
      const took = now - exchange.receivedAt;
      const verdict = decision?.verdict ?? 'block';
      const system = caller?.system.name ?? '';
      metrics.completed(system, verdict, completion.status, took, decision?.decideMicros ?? null);

      if (call && decision && decision.alert.length > 0) alerts.raise(decision, decided(call, decision, node));
      if (call && decision) {
        append(
          {
            ...attribution(call, decision, node),
            event_id: eventId(call, 'c'),
            at: now,
            type: 'call.completed',
            layer: completion.upstreamMs === null ? 'decide' : 'execute',
            status: completion.status,
            ...(completion.code !== null && { code: completion.code }),
            ...(completion.holdId !== null && { hold_id: completion.holdId }),
            ...(completion.upstreamMs !== null && { upstream_ms: Math.round(completion.upstreamMs) }),
            ...(completion.heldMs !== null && { held_ms: Math.round(completion.heldMs) }),
            response_bytes: completion.responseBytes,
            actor: call.principal.agent,
            actor_kind: 'agent',
          },
          decision.id,
        );
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
        operation: call?.operation,
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

/** A call is decided once and completed once, so its own id names both events; that spares two random numbers a call. */
function eventId(call: Call, step: 'd' | 'c'): string {
  return `evt_${call.id.slice('call_'.length)}${step}`;
}

function decided(call: Call, decision: Decision, node: string): Event {
  return {
    ...attribution(call, decision, node),
    event_id: eventId(call, 'd'),
    at: call.receivedAt,
    type: 'call.decided',
    layer: 'decide',
    rules: decision.rules.map((rule) => rule.id),
    reason: decision.reason,
    trigger: triggered(decision),
    decide_us: decision.decideMicros,
    request_bytes: call.body.length,
    actor: 'policy',
    actor_kind: 'gateway',
    ...claimed(call),
  };
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
    method: call.method,
    path: call.path,
    resource: call.resource.id === null ? call.resource.type : `${call.resource.type}/${call.resource.id}`,
    verdict: decision.verdict,
    policy_revision: decision.policyRevision,
    ...(call.traceId !== null && { trace_id: call.traceId }),
  };
}

/** What the agent said of itself, where it said something. */
function claimed({ claims }: Call): Partial<Event> {
  return {
    ...(claims.session !== undefined && { session: claims.session }),
    ...(claims.task !== undefined && { task: claims.task }),
    ...(claims.confidence !== undefined && { confidence: claims.confidence }),
    ...(claims.flags !== undefined && { flags: claims.flags }),
  };
}

function triggered({ fault, rules, verdict }: Decision): NonNullable<Event['trigger']> {
  if (fault !== null) return 'fault';
  return rules.every(({ id }) => id === NO_RULE) ? 'default' : triggerOf(rules, verdict);
}
