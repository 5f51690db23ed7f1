import type { Call } from '../domain/call.ts';
import { NO_RULE, ruleVerdicts, triggerOf, type Decision } from '../domain/decision.ts';
import { EVENT_VERSION, type Event, type Failure, type Layer } from '../domain/event.ts';
import type { Completion } from '../domain/completion.ts';
import type { Principal } from '../domain/principal.ts';
import type { EventLine } from '../domain/journal.ts';
import { inputText } from '../domain/call-input.ts';
import { isRawBody, isRawInput } from '../domain/raw-input.ts';
import { maskText } from '../secrets/secret.ts';
import { failureOfCall, failureOfDecision } from './failure.ts';

/** The place of a call as recorded. */
export type Place = { readonly path: string; readonly operation: string; readonly resource: string };

/** How an exchange ended, in addition to its completion. */
export type End = {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Milliseconds since the call arrived. */
  readonly took: number;
  /** Replaces the place as sent, when that was masked. */
  readonly place: Place | undefined;
};

/**
 * The two events of every call, each as its `eventLine`. They are built from texts that calls share:
 * serializing objects takes three times as long, and every call waits for it.
 */
type CallLines = {
  /** `call.decided`. */
  decided(call: Call, decision: Decision): EventLine;
  /** The same without the policy input. */
  decidedBriefly(call: Call, decision: Decision): string;
  /** `call.completed`. */
  completed(call: Call, decision: Decision, completion: Completion, end: End): string;
};

const BY_POLICY = ',"actor":"policy","actor_kind":"gateway"';
const BY_AGENT = ',"actor_kind":"agent"';
const CHANNEL = ',"channel":"agent"';

export function createCallLines(node: string): CallLines {
  const head = (type: Event['type']) =>
    `,"version":${EVENT_VERSION}${text('node', node)}${text('type', type)},"layer":"`;
  const decidedHead = `${head('call.decided')}decide","decision_id":"`;
  const completedHead = head('call.completed');

  /** What comes before the input. */
  function decidedOpening(call: Call, decision: Decision): string {
    const { id, claims, body } = call;
    return (
      `{"event_id":"${eventId(id, 'd')}","at":${call.receivedAt}${decidedHead}${decision.id}","call_id":"${id}"` +
      whoOf(call.principal) +
      text('session', claims.session) +
      text('task', claims.task) +
      placeOf(call) +
      whyOf(decision).decided +
      BY_POLICY +
      channelTextOf(call) +
      count('decide_us', decision.decideMicros) +
      count('request_bytes', body.length) +
      (claims.confidence === undefined ? '' : `,"confidence":${claims.confidence}`) +
      texts('flags', claims.flags)
    );
  }

  return {
    decided(call, decision) {
      const opening = decidedOpening(call, decision);
      const closing = closingOf(call);
      const { input } = call;
      if (typeof input === 'string' || !isRawBody(input.body)) return opening + inputMember(inputText(input)) + closing;
      const { before, body, after } = input;
      return {
        before: `${opening},"input":${before.toWellFormed()}`,
        bytes: body.bytes,
        after: after.toWellFormed() + closing,
      };
    },
    decidedBriefly: (call, decision) => decidedOpening(call, decision) + closingOf(call),
    completed(call, decision, completion, { at, took, place }) {
      const { id, principal } = call;
      const failure = failureOfCall(decision, completion);
      const { cost } = completion;
      return (
        `{"event_id":"${eventId(id, 'c')}","at":${at}${completedHead}${layerOf(failure, completion)}",` +
        `"decision_id":"${decision.id}","call_id":"${id}"` +
        (completion.holdId === null ? '' : `,"hold_id":"${completion.holdId}"`) +
        whoOf(principal) +
        (place ? writePlace(call, place) : placeOf(call)) +
        whyOf(decision).completed +
        text('failure', failure) +
        text('actor', principal.agent) +
        BY_AGENT +
        channelTextOf(call) +
        count('status', completion.status) +
        text('code', completion.code) +
        count('upstream_ms', completion.upstreamMs) +
        count('held_ms', completion.heldMs) +
        count('took_ms', took) +
        count('response_bytes', completion.responseBytes) +
        (cost === null || cost.amount === 0 ? '' : `,"cost":${cost.amount}`) +
        text('cost_unit', cost?.unit) +
        closingOf(call)
      );
    },
  };
}

/** A call has each of these events at most once, so the event id derives from the call id. This saves two random numbers. */
export function eventId(callId: string, step: 'd' | 'c' | 'x'): string {
  return `evt_${callId.slice('call_'.length)}${step}`;
}

/** How the agent of a call reached the gateway. */
export function channelOf({ principal: { authority } }: Pick<Call, 'principal'>): string {
  return authority ?? 'agent';
}

function channelTextOf(call: Call): string {
  return call.principal.authority === undefined ? CHANNEL : text('channel', channelOf(call));
}

export function resourceOf({ resource: { type, id } }: Call): string {
  return id === null ? type : `${type}/${id}`;
}

const whoTexts = new WeakMap<Principal, string>();

function whoOf(principal: Principal): string {
  let who = whoTexts.get(principal);
  if (who === undefined) {
    const { agent, owner, onBehalfOf } = principal;
    who = text('agent', agent) + text('owner', owner) + texts('on_behalf_of', onBehalfOf);
    whoTexts.set(principal, who);
  }
  return who;
}

type PlaceText = Pick<Call, 'system' | 'operation' | 'method' | 'path'> & { readonly text: string };

/** Calls to one path share one resource. The other members are compared again. */
const placeTexts = new WeakMap<Call['resource'], PlaceText>();

function placeOf(call: Call): string {
  const { system, operation, method, path, resource } = call;
  const known = placeTexts.get(resource);
  if (known?.path === path && known.method === method && known.operation === operation && known.system === system)
    return known.text;
  const place = writePlace(call, { operation, path, resource: resourceOf(call) });
  placeTexts.set(resource, { system, operation, method, path, text: place });
  return place;
}

function writePlace({ system, method }: Call, { operation, path, resource }: Place): string {
  return (
    text('system', system) +
    text('operation', operation) +
    text('method', method) +
    text('path', path) +
    text('resource', resource)
  );
}

type WhyText = Pick<Decision, 'verdict' | 'reason' | 'policyRevision' | 'fault'> & {
  readonly decided: string;
  readonly completed: string;
};

/** Decisions with one outcome share one list of rules. */
const whyTexts = new WeakMap<Decision['rules'], WhyText>();

function whyOf(decision: Decision): WhyText {
  const { rules, verdict, reason, policyRevision, fault } = decision;
  const known = whyTexts.get(rules);
  if (
    known?.reason === reason &&
    known.verdict === verdict &&
    known.fault === fault &&
    known.policyRevision === policyRevision
  )
    return known;
  const ruled =
    text('verdict', verdict) +
    texts(
      'rules',
      rules.map(({ id }) => id),
    ) +
    texts('rule_verdicts', ruleVerdicts(rules, verdict));
  const revision = text('policy_revision', policyRevision);
  const why = {
    verdict,
    reason,
    policyRevision,
    fault,
    decided:
      ruled +
      text('trigger', triggered(decision)) +
      text('reason', reason) +
      revision +
      text('failure', failureOfDecision(decision)) +
      text('fault', fault === null ? null : maskText(fault)),
    completed: ruled + revision,
  };
  whyTexts.set(rules, why);
  return why;
}

function triggered({ fault, rules, verdict }: Decision): NonNullable<Event['trigger']> {
  if (fault !== null) return 'fault';
  return rules.every(({ id }) => id === NO_RULE) ? 'default' : triggerOf(rules, verdict);
}

/** The layer of a completed call: record if the system failed, execute if the call was sent, else decide. */
function layerOf(failure: Failure | null, { upstreamMs }: Completion): Layer {
  if (failure === 'system-failed') return 'record';
  return upstreamMs === null ? 'decide' : 'execute';
}

function text(name: string, value: string | null | undefined): string {
  return value === null || value === undefined || value === '' ? '' : `,"${name}":${quoted(value)}`;
}

function texts(name: string, values: readonly string[] | undefined): string {
  return values === undefined || values.length === 0 ? '' : `,"${name}":[${values.map(quoted).join(',')}]`;
}

/** Most inputs go out as they are: quoting one takes longer than everything else in a line. */
function inputMember(input: string): string {
  return isRawInput(input) ? `,"input":${input.toWellFormed()}` : text('input', input);
}

function closingOf({ traceId }: Call): string {
  return traceId === null ? '}' : `,"trace_id":"${traceId}"}`;
}

/** An integer member; empty text without a number. */
function count(name: string, value: number | null): string {
  const whole = value === null ? 0 : Math.round(value);
  return whole > 0 ? `,"${name}":${whole}` : '';
}

function quoted(value: string): string {
  return JSON.stringify(value.toWellFormed());
}
