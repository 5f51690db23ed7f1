import type { RulePlace } from '../../gateway/domain/decision.ts';
import type { Handoff, HandoffAnswer } from '../../gateway/domain/handoff.ts';
import { artifactsOf, type CallHold, type HeldCall, type Hold, type Vote } from '../../gateway/domain/hold.ts';
import type { Openable } from '../../gateway/domain/open-place.ts';
import type { Demand } from '../deps.ts';
import { iso, isoOrNull } from '../../gateway/domain/time.ts';
import type { CallView } from './body-view.ts';
import { amountOf } from './amount.ts';
import { consequence } from './consequence.ts';
import { showDefinition } from './tool-definition.ts';
import { textHints } from './text-hints.ts';
import { visibleLine } from '../../gateway/domain/visible-text.ts';
import { holdHead, routing } from './hold-view.ts';
import { readingOf, showInput, type ShownInput } from '../../gateway/domain/policy-input.ts';
import type { ContextPackage, Permissions } from '../api/hold-schemas.ts';

/** What a hold is shown with. */
export type Material = {
  /** Null when no call is attached, or it is no longer kept. */
  readonly call: HeldCall | null;
  readonly view: CallView;
  /** The tool that is called, as its server listed it: JSON text. */
  readonly tool: string | null;
  readonly handoff: Handoff | null;
  readonly answer: HandoffAnswer | null;
  readonly demands: readonly Demand[];
  readonly openable: readonly Openable[];
  readonly form: ContextPackage['form'];
  readonly current: NonNullable<ContextPackage['diff']>['current'];
  /** The text of a rule of the policy under which the call is held. */
  readonly ruleText: (place: RulePlace) => string | null;
  readonly history: ContextPackage['history'];
  readonly permissions: Permissions;
  /** Who looks. */
  readonly person: string;
  readonly now: number;
};

/**
 * Everything that a reviewer needs in order to decide, and nothing that would let the agent decide for them: what the
 * agent says stands under `claims`, `handoff`, `options`, `draft_response` and where the API's description says so, and
 * is never mixed with what the gateway says.
 */
export function contextPackage(hold: Hold, material: Material): ContextPackage {
  const { call, view, handoff, answer, demands, openable, form, current, history, permissions, person, now } = material;
  const { principal, outcome } = hold;
  const subject = hold.kind === 'approval' ? hold : null;
  const attempt = subject && subject.attempt;
  const input = showInput(call?.input ?? null);
  const claims = handoff ?? input.context.claims;
  const url = subject ? `/${subject.system}${call?.target ?? subject.path}` : '';

  return {
    ...holdHead(hold, now),
    agent: {
      id: principal.agent,
      owner: principal.owner,
      version: textOrNull(claims['version']),
      on_behalf_of: [...principal.onBehalfOf],
      session: input.principal.session ?? hold.claims.session,
      trace: traceOf(call),
    },
    action: subject && action(subject, material, input, url),
    diff: subject && {
      current,
      proposed: view.proposed,
      edited: hold.editors.length > 0 ? view.body : null,
      edited_by: [...hold.editors],
    },
    draft_response: claims['draft_response'] ?? null,
    policy: subject
      ? judgement(subject, material.ruleText)
      : { rules: [], reasons: [], matched: [], trigger: 'rule', revision: '' },
    risk: {
      flags: [...hold.claims.flags],
      confidence: hold.claims.confidence,
      reversible: hold.claims.reversible,
    },
    claims,
    handoff,
    artifacts: artifactsOf(hold).map(({ name, type, bytes, sha256 }) => ({ name, type, bytes, sha256 })),
    answer: answer && { option: answer.option, data: answer.data },
    history,
    hints: textHints({
      url,
      headers: input.action.headers,
      body: view.body ?? view.text,
      claims: input.context.claims,
      handoff,
    }),
    consequence: consequence(hold, demands, { url, bytes: view.bytes, tool: input.action.tool }),
    cost: subject?.cost ? { ...subject.cost } : null,
    routing: {
      ...routing(hold, demands, now),
      votes: hold.votes.map((vote) => shownVote(vote, hold.revision)),
      escalations: hold.escalations.map(({ at, to, by, note }) => ({ at: iso(at), to: [...to], by, note })),
    },
    options: Array.isArray(claims['options']) ? claims['options'] : [],
    editable: [...hold.terms.editable],
    form,
    openable: openable.map(({ place, value, atMost }) => ({ place, value, at_most: atMost })),
    notes: hold.notes.map(({ by, at, text }) => ({ by, at: iso(at), text })),
    outcome: outcome && { ...outcome, at: iso(outcome.at) },
    grant: subject && subject.grantId,
    attempt: attempt && {
      number: attempt.number,
      at: iso(attempt.at),
      by: attempt.by,
      idempotency_key: attempt.key,
    },
    resend_at: subject && isoOrNull(subject.resendAt),
    upstream_status: subject && subject.upstreamStatus,
    you_may: permissions,
    you_voted: hold.votes.some(({ reviewer, revision }) => reviewer === person && revision === hold.revision),
  };
}

type Action = NonNullable<ContextPackage['action']>;

function action(
  hold: CallHold,
  { call, view, tool }: Material,
  { action, resource, context }: ShownInput,
  url: string,
): Action {
  const amount = amountOf(view.body);
  return {
    system: hold.system,
    operation: hold.operation,
    method: hold.method,
    url,
    upstream: hold.upstream ?? null,
    summary: summary(hold, resource, amount),
    client: textOrNull(context.claims['client']),
    target: resource,
    amount,
    reversible: hold.terms.reversible,
    headers: action.headers,
    hidden_headers: hiddenHeaders(call, action.headers),
    tool: action.tool,
    tool_definition: showDefinition(tool),
    body: view.body,
    readings: readingsOf(call),
    body_text: view.text,
    binary: view.binary,
    sent_as: view.sentAs,
    body_bytes: view.bytes,
    complete: view.complete,
    missing: view.missing,
    digest: hold.digest,
  };
}

function judgement(
  { rules, trigger, policyRevision }: CallHold,
  ruleText: Material['ruleText'],
): ContextPackage['policy'] {
  return {
    rules: rules.map((rule) => rule.id),
    reasons: rules.flatMap((rule) => rule.reason ?? []),
    matched: rules.map(({ id, verdict, reason, trigger, places = [] }) => {
      const shown = places.map(({ file, line }) => ({ file, line, text: ruleText({ file, line }) }));
      return { rule: id, verdict, reason, trigger, places: shown };
    }),
    trigger,
    revision: policyRevision,
  };
}

function shownVote(vote: Vote, revision: number): ContextPackage['routing']['votes'][number] {
  const { reviewer, channel, note, grant } = vote;
  return {
    reviewer,
    for: vote.for,
    groups: [...vote.groups],
    revision: vote.revision,
    counts: vote.revision === revision,
    channel,
    note,
    grant: grant && { uses: grant.uses, until: iso(grant.until), open: [...grant.open] },
    seen_at: isoOrNull(vote.seenAt),
    at: iso(vote.at),
  };
}

function summary(hold: CallHold, resource: Action['target'], amount: Action['amount']): string {
  const on = resource?.id ? ` on ${resource.type} ${resource.id}` : '';
  const worth = amount ? `, amount ${amount.value}${amount.currency ? ` ${amount.currency}` : ''}` : '';
  return visibleLine(
    `${hold.principal.agent} (owner ${hold.principal.owner}) wants ${hold.operation} at ${hold.system}${on}${worth}.`,
  );
}

/** Every way in which systems may read the call, the usual one first; empty when there is one. */
function readingsOf(call: HeldCall | null): Action['readings'] {
  if (!call?.otherReadings) return [];
  return [call.input, ...call.otherReadings].map((input) => {
    const { operation, segments, body } = readingOf(input);
    return { operation, segments: [...segments], body };
  });
}

/** Headers of the agent's request whose values policy does not see, sent or not. Their names are told: what is hidden is not unknown. */
function hiddenHeaders(call: HeldCall | null, shown: Readonly<Record<string, string>>): string[] {
  const names = (call?.headers ?? []).filter((_value, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return [...new Set(names)].filter((name) => !Object.hasOwn(shown, name)).toSorted();
}

/** The trace that a call belongs to: `traceparent`, version 00. */
function traceOf(call: HeldCall | null): string | null {
  const at = (call?.headers ?? []).findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'traceparent');
  const value = at < 0 ? undefined : call?.headers[at + 1];
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(value ?? '')?.[1] ?? null;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
