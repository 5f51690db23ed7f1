import type { Event } from '../../gateway/domain/event.ts';
import { inputText } from './call-input.ts';
import { FACTS } from './facts.ts';
import { id } from './identifier.ts';
import type { Attempt, Judgement, Target } from './judgement.ts';
import type { Random } from './random.ts';
import type { Story } from './story.ts';
import type { Answer } from './system-story.ts';

/** The record of one call so far. */
export type CallRecord = {
  /** Fields common to all steps of the call. */
  readonly whose: Whose;
  /** The agent's own claims. */
  readonly said: Pick<Event, 'session' | 'task' | 'confidence'>;
  add(event: Event): void;
  /** The call was decided; `as` is another call with the same content. */
  decided(at: number, as: Whose): void;
  /** @param since when it arrived */
  completed(at: number, since: number, as: Whose, more: Partial<Event>): void;
  drifted(at: number, status: number, more: Partial<Event>): void;
  story(more: Partial<Story>): Story & Target;
};

type Whose = Omit<Event, 'event_id' | 'at' | 'type' | 'layer' | 'actor' | 'actor_kind'> & {
  readonly call_id: string;
  readonly agent: string;
};

/** The gateway's own answer. */
export const PROBLEM = { layer: 'decide', response_bytes: 420 } as const;

export function openRecord(random: Random, attempt: Attempt, judgement: Judgement): CallRecord {
  const { at, work, node, traceId, again } = attempt;
  const { verdict, rule, trigger, reason, revision, claims } = judgement;
  const { agent, operation } = work;
  const { system, name, method } = operation;
  const { path, id: resourceId } = again ?? target(random, operation);
  const callId = id(random, 'call', at);
  const events: Event[] = [];
  const n = random.whole(2 ** 31);
  const decideUs = Math.max(8, Math.round(random.around(operation.decideUs, 0.4)));

  const whose: Whose = {
    node,
    decision_id: id(random, 'dec', at),
    call_id: callId,
    agent: agent.id,
    owner: agent.owner,
    ...(agent.onBehalfOf.length > 0 && { on_behalf_of: agent.onBehalfOf }),
    system,
    operation: name,
    method,
    path,
    resource: resourceId === null ? operation.resource : `${operation.resource}/${resourceId}`,
    verdict,
    rules: [rule],
    policy_revision: revision,
    ...(traceId !== null && { trace_id: traceId }),
  };
  const said = {
    session: claims.session,
    ...(claims.task !== null && { task: claims.task }),
    ...(claims.confidence !== null && { confidence: claims.confidence }),
  };
  const faulty = {
    failure: 'policy-wrong',
    fault: 'rules.all/limits: division by zero in data.limits.per_hour',
  } as const;
  const blocked = { failure: 'boundary-exceeded' } as const;

  return {
    whose,
    said,
    add: (event) => events.push(event),
    decided: (decidedAt, as) =>
      events.push({
        ...as,
        ...said,
        event_id: `evt_${as.call_id.slice(5)}d`,
        at: decidedAt,
        type: 'call.decided',
        layer: 'decide',
        trigger,
        reason,
        channel: 'agent',
        actor: 'policy',
        actor_kind: 'gateway',
        decide_us: decideUs,
        request_bytes: operation.body?.(n).length ?? 0,
        input: inputText({ at: decidedAt, agent, operation, path, id: resourceId, claims, n }),
        ...(operation.masked && { masked: operation.masked }),
        ...(trigger === 'fault' ? faulty : verdict === 'block' && blocked),
      }),
    completed: (endedAt, since, as, more) =>
      events.push({
        ...as,
        event_id: `evt_${as.call_id.slice(5)}c`,
        at: endedAt,
        type: 'call.completed',
        layer: 'execute',
        channel: 'agent',
        actor: agent.id,
        actor_kind: 'agent',
        took_ms: endedAt - since,
        ...more,
      }),
    drifted: (driftedAt, status, more) =>
      events.push({
        ...whose,
        ...more,
        event_id: id(random, 'evt', driftedAt),
        at: driftedAt,
        type: 'call.drifted',
        layer: 'record',
        rules: [FACTS.drift.rule],
        reason: 'The system answered another amount than the one that was judged.',
        failure: 'system-drifted',
        status,
        channel: 'agent',
        actor: 'policy',
        actor_kind: 'gateway',
      }),
    story: (more) => ({
      callId,
      at,
      agent: agent.id,
      owner: agent.owner,
      system,
      operation: name,
      method,
      verdict,
      rule,
      trigger,
      confidence: claims.confidence,
      task: claims.task,
      decideUs,
      failure: null,
      executed: false,
      upstreamMs: null,
      addedMs: null,
      cost: null,
      attempt: again ? 2 : 1,
      hold: null,
      attachedCallId: null,
      events,
      path,
      id: resourceId,
      ...more,
    }),
  };
}

/** Fields that an answer from a system, or the lack of one, adds to the end of a call. */
export function answered(
  random: Random,
  { status, code, upstreamMs, failure, executed }: Answer,
  bytes: number,
): Partial<Event> {
  return {
    ...(failure && { layer: 'record', failure }),
    status,
    ...(code !== null && { code }),
    ...(upstreamMs !== null && { upstream_ms: upstreamMs }),
    response_bytes: executed ? Math.round(random.around(bytes, 0.6)) : PROBLEM.response_bytes,
  };
}

function target(random: Random, { path, prefix }: Attempt['work']['operation']): Target {
  if (!path.includes('{id}')) return { path, id: null };
  const found = `${prefix}${random.whole(900_000) + 10_000}`;
  return { path: path.replace('{id}', found), id: found };
}
