/**
 * The shape of events that this program writes, and of their lines. Fields are only ever added; one that changes its
 * meaning or its form raises this. 2: a line has `input` as JSON, see `raw-input.ts`.
 */
export const EVENT_VERSION = 2;

/** Which layer of the work an event belongs to: people and policy decide, agents execute, systems record. */
export type Layer = 'decide' | 'execute' | 'record';

/**
 * How a field's values look; storage and documentation follow from it. An absent member and its kind's empty value are
 * the same thing.
 *
 * `id`: text that is different in most events · `name`: text of which there are few different ones · `names`: a list of
 * those · `text`: for people · `time`: milliseconds since the epoch · `small`: a whole number up to 65,535 · `count`: a
 * whole number · `amount`: any number · `share`: 0 to 1, where absent and 0 differ · `json`: JSON text.
 */
export type FieldKind = 'id' | 'name' | 'names' | 'text' | 'time' | 'small' | 'count' | 'amount' | 'share' | 'json';

type Field = { readonly kind: FieldKind; readonly about: string };

/**
 * Every member that an event may have, in the order in which they are written: the columns of `holdpoint.events`, the
 * page `audit/EVENTS.md` and what tests check follow from this list. Members never hold credentials, and of a request
 * nothing but what masking has passed.
 */
export const EVENT_FIELDS = {
  event_id: { kind: 'id', about: 'The permanent identifier of the event.' },
  at: { kind: 'time', about: 'When it happened.' },
  version: {
    kind: 'small',
    about: 'The version of this list, and of the form of its line, when the event was written.',
  },
  node: { kind: 'name', about: 'The gateway on which it happened.' },
  type: { kind: 'name', about: 'What happened.' },
  layer: {
    kind: 'name',
    about: 'The layer that acted: `decide` (policy and people), `execute` (agents), `record` (systems).',
  },
  decision_id: { kind: 'id', about: 'The decision that the step follows from.' },
  call_id: { kind: 'id', about: 'The call.' },
  hold_id: { kind: 'id', about: 'The hold.' },
  agent: { kind: 'name', about: 'The agent that called.' },
  owner: { kind: 'name', about: 'The person accountable for the agent.' },
  on_behalf_of: { kind: 'names', about: 'The delegation chain: on behalf of whom the agent works, outermost first.' },
  session: { kind: 'id', about: 'Claimed by the agent: its session.' },
  task: { kind: 'text', about: 'Claimed by the agent: its task.' },
  system: { kind: 'name', about: 'The business system.' },
  operation: { kind: 'name', about: 'The stable name of the operation.' },
  method: { kind: 'name', about: 'The HTTP method.' },
  path: { kind: 'text', about: 'The path below the system, masked, without its query.' },
  resource: { kind: 'text', about: 'The resource, as `<type>` or `<type>/<id>`, masked.' },
  verdict: { kind: 'name', about: '`allow`, `hold` or `block`.' },
  rules: {
    kind: 'names',
    about: 'The rules that matched, as `<package>/<name>`, those of the verdict first; of a hold, the rules that held.',
  },
  rule_verdicts: {
    kind: 'names',
    about: 'The verdict of each of `rules`, in their order. Empty where all gave `verdict`.',
  },
  rule_places: {
    kind: 'names',
    about: 'The place of each of `rules` in the policy folder, as `<file>:<line>`, in their order.',
  },
  trigger: {
    kind: 'name',
    about:
      'The source of the verdict: `rule`, `probabilistic`, `default` (no rule matched) or `fault` (policy failed).',
  },
  reason: { kind: 'text', about: 'The reason, in the words of the rule or of the person.' },
  policy_revision: { kind: 'name', about: 'The revision of the policy that decided; empty when none could.' },
  failure: { kind: 'name', about: 'The class of failure; empty without a failure.' },
  fault: { kind: 'text', about: 'What was wrong with the policy, for its authors.' },
  actor: { kind: 'name', about: 'The agent, reviewer or gateway that took the step.' },
  actor_kind: { kind: 'name', about: '`agent`, `reviewer` or `gateway`.' },
  channel: {
    kind: 'name',
    about:
      'Where the step came from: `agent`, `link-pass` (an agent that followed a link without its token), `api`, `console`, `chat`, `cli`; for the configuration `file` or `signal`.',
  },
  status: {
    kind: 'small',
    about: 'HTTP status of the answer to the agent or, for a step of the system, of its answer. 0: the agent had left.',
  },
  code: {
    kind: 'name',
    about: "A problem's code, a reviewer's rejection code, or the recorded outcome.",
  },
  groups: { kind: 'names', about: 'The groups that were asked.' },
  level: { kind: 'small', about: '2: a person approves; 3: a person takes over.' },
  respond_within_ms: { kind: 'count', about: 'The target time for a decision.' },
  changes: {
    kind: 'names',
    about: 'What a reviewer changed, as JSON pointers into the body; or which fields of the configuration changed.',
  },
  decide_us: { kind: 'count', about: 'Microseconds that policy took.' },
  upstream_ms: { kind: 'count', about: "Milliseconds until the system's answer began." },
  held_ms: { kind: 'count', about: 'Milliseconds that the call waited for people.' },
  took_ms: { kind: 'count', about: 'Milliseconds from the arrival of the call to the end of its answer.' },
  request_bytes: { kind: 'count', about: 'Size of the request body.' },
  response_bytes: { kind: 'count', about: 'Size of the answer.' },
  cost: { kind: 'amount', about: 'What the call cost, in `cost_unit`. A call carries it once.' },
  cost_unit: { kind: 'name', about: 'The unit of `cost`, such as `EUR` or `tokens`.' },
  confidence: { kind: 'share', about: 'Claimed by the agent: its confidence.' },
  flags: { kind: 'names', about: 'Claimed by the agent: its flags.' },
  input: { kind: 'json', about: 'The input of the policy, masked. Empty when it was dropped: `masked` says why.' },
  masked: {
    kind: 'names',
    about:
      'JSON pointers to masked values in `input`, and the names of other masked members; `!more` when there were too many to list; `!too-large` or `!mask-failed` where `input` was dropped.',
  },
  trace_id: { kind: 'id', about: 'W3C Trace Context, as the agent sent it.' },
} as const satisfies Readonly<Record<string, Field>>;

export type EventField = keyof typeof EVENT_FIELDS;

/**
 * What can fail, and in which layer the fault then lies: "which layer failed?" has an answer.
 */
export const FAILURES = {
  'policy-wrong': { layer: 'decide', about: 'The policy could not decide, or asked for the impossible.' },
  'boundary-exceeded': { layer: 'execute', about: 'The agent attempted something policy or a reviewer forbids.' },
  'system-drifted': { layer: 'record', about: 'The answer of the system contradicts the decision.' },
  'system-failed': { layer: 'record', about: 'The system was unreachable, too slow or failed.' },
  'gateway-failed': {
    layer: 'decide',
    about: 'The gateway could not do its part: no room for the record, or no store.',
  },
} as const satisfies Readonly<Record<string, { layer: Layer; about: string }>>;

export type Failure = keyof typeof FAILURES;

const ANY = ['event_id', 'at', 'version', 'node', 'type', 'layer', 'actor', 'actor_kind'] as const;
const CALLED = [
  'decision_id',
  'call_id',
  'agent',
  'owner',
  'system',
  'operation',
  'method',
  'path',
  'verdict',
  'rules',
  'channel',
] as const;
/** The root of a system is no resource. */
const OF_CALLS = [
  'rule_verdicts',
  'resource',
  'on_behalf_of',
  'session',
  'task',
  'confidence',
  'flags',
  'trace_id',
  'policy_revision',
  'failure',
] as const;
const HELD = ['decision_id', 'hold_id', 'agent', 'owner', 'verdict', 'trigger'] as const;
/** A hand-over that an agent opened itself has no call, and so nothing that follows from one. */
const OF_HOLDS = [
  'call_id',
  'system',
  'operation',
  'method',
  'path',
  'rules',
  'reason',
  'channel',
  'code',
  'status',
  'held_ms',
  'upstream_ms',
  ...OF_CALLS,
] as const;

type EventKind = {
  /** In which layers it happens; most in one. */
  readonly layer: Layer | readonly Layer[];
  readonly about: string;
  /** Members that every event of the type has. */
  readonly has: readonly EventField[];
  /** Members that it may have beside them. */
  readonly may: readonly EventField[];
};

const hold = (layer: Layer, about: string, has: readonly EventField[] = []) =>
  ({ layer, about, has: [...ANY, ...HELD, ...has], may: OF_HOLDS }) as const;

/** Every type of event, what it tells, and what it carries. */
export const EVENT_TYPES = {
  'call.decided': {
    layer: 'decide',
    about: 'Policy decided on a call. Durable before an unsafe call goes out.',
    has: [...ANY, ...CALLED, 'trigger', 'reason'],
    may: [...OF_CALLS, 'decide_us', 'request_bytes', 'input', 'masked', 'fault'],
  },
  'call.completed': {
    layer: ['decide', 'execute', 'record'],
    about:
      'The call was answered, or cut off: `code` is then `stopped`, `suspended` or `system-not-granted`, after the status that was sent.',
    has: [...ANY, ...CALLED],
    may: [
      ...OF_CALLS,
      'hold_id',
      'status',
      'code',
      'upstream_ms',
      'held_ms',
      'took_ms',
      'response_bytes',
      'cost',
      'cost_unit',
    ],
  },
  'call.drifted': {
    layer: 'record',
    about: 'A rule found that the answer of the system contradicts the decision.',
    has: [...ANY, ...CALLED, 'reason', 'failure'],
    may: [...OF_CALLS, 'hold_id', 'trigger', 'status'],
  },
  'call.noted': {
    layer: 'record',
    about:
      'The answer of the system led elsewhere or had its credential, or its request was sent again. `code`: `redirect-elsewhere`, `links-kept` (a body with declared links was too large or not readable, and passed as it was), `credential-masked`, or `sent-again` (a GET, HEAD or OPTIONS went out twice, because the system closed a kept connection before it answered).',
    has: [...ANY, ...CALLED, 'code'],
    may: [...OF_CALLS, 'hold_id', 'trigger', 'reason', 'status'],
  },
  'call.refused': {
    layer: 'decide',
    about: 'A call of a known agent was refused before policy evaluated it.',
    has: [...ANY, 'agent', 'owner', 'system', 'method', 'verdict', 'channel', 'failure'],
    may: ['status', 'code', 'trace_id', 'on_behalf_of'],
  },
  'hold.opened': {
    ...hold('decide', 'A call waits for a decision, or an agent asked for help.', ['level', 'respond_within_ms']),
    may: [...OF_HOLDS, 'groups'],
  },
  'hold.attached': hold('execute', 'The agent repeated the call while it was held.'),
  'hold.claimed': hold('decide', 'A reviewer claimed it.', ['channel']),
  'hold.unclaimed': hold('decide', 'The reviewer gave up the claim.', ['channel']),
  'hold.noted': hold('decide', 'A reviewer added a note.', ['channel']),
  'hold.voted': hold('decide', 'A reviewer approved; `hold.approved` follows once enough have.', ['channel']),
  'hold.edited': {
    ...hold('decide', 'A reviewer edited the call.', ['channel']),
    may: [...OF_HOLDS, 'changes'],
  },
  'hold.approved': hold('decide', 'Enough reviewers approved, or a grant covers the call.'),
  'hold.rejected': hold('decide', 'A reviewer rejected it.', ['channel', 'code', 'failure']),
  'hold.taken-over': hold('decide', 'A person took over the work from the agent.', ['channel']),
  'hold.outcome': hold('record', 'The person who took over recorded the outcome.', ['channel', 'code']),
  'hold.answered': hold('decide', 'A person answered the question of the agent.', ['channel']),
  'hold.accepted': hold('decide', 'A person or agent accepted the handoff.', ['channel']),
  'hold.returned': hold('decide', 'The recipient of the handoff returned it.', ['channel', 'code']),
  'hold.escalated': hold('decide', 'It was escalated to further groups.'),
  'hold.reminded': hold('decide', 'The groups that were asked were reminded.'),
  'hold.expired': hold('decide', 'The time to decide ran out.'),
  'hold.cancelled': hold('decide', 'The agent or an operator cancelled it.'),
  'hold.superseded': hold('decide', 'Another decision or hold replaced it.'),
  'hold.reopened': hold('decide', 'Policy changed after the approval, so it needs another decision.'),
  'hold.lapsed': hold('decide', 'The approval expired before the caller redeemed it.'),
  'hold.released': hold('execute', 'The gateway began to send the call.'),
  'hold.executed': {
    ...hold('record', 'The system answered the released call.', ['status']),
    may: [...OF_HOLDS, 'cost', 'cost_unit'],
  },
  'hold.failed': hold('execute', 'The released call did not reach the system.'),
  'hold.indeterminate': hold('execute', 'It is not known whether the released call arrived.'),
  'hold.confirmed': hold(
    'record',
    'An unknown outcome became known: read back from the system, or recorded by a person.',
    ['code'],
  ),
  'grant.created': grant('An approval covers further calls of the same shape for a while.'),
  'grant.used': grant('A call went through under a grant.'),
  'grant.revoked': grant('A grant was revoked.'),
  'delegation.created': person('A reviewer delegated to another.'),
  'delegation.ended': person('A delegation ended.'),
  'preferences.changed': person('A reviewer changed when and how mail reaches them.'),
  'session.opened': person('A reviewer signed in to the console.'),
  'session.ended': person(
    'A session of the console was ended: the reviewer signed out, an operator ended it, or its token left the configuration.',
  ),
  'suspension.created': person('An agent or a system was suspended.'),
  'suspension.ended': person('The suspension ended.'),
  'stop.began': person('Everything was stopped: no call goes out, and the clocks of holds stand still.'),
  'stop.lift-asked': person('The first of the two people who have to lift a stop asked for it.'),
  'stop.lifted': person('The stop was lifted.'),
  'notice.dead': {
    layer: 'decide',
    about: 'A notification could not be delivered; no further attempts are made.',
    has: ANY,
    may: [...HELD, ...OF_HOLDS],
  },
  'policy.activated': {
    layer: 'decide',
    about:
      'A policy came into force. `rules` are all its rules; a rule that several places define is there several times.',
    has: [...ANY, 'policy_revision'],
    may: ['rules', 'rule_verdicts', 'rule_places'],
  },
  'policy.refused': {
    layer: 'decide',
    about: 'A changed policy was refused; the old one stays in force.',
    has: [...ANY, 'reason', 'failure'],
    may: [],
  },
  'config.changed': {
    layer: 'decide',
    about: 'A saved configuration came into force: `channel` says what made the gateway read it.',
    has: [...ANY, 'channel', 'changes'],
    may: [],
  },
  'config.refused': {
    layer: 'decide',
    about: 'A saved configuration was refused; the old one stays in force.',
    has: [...ANY, 'channel', 'reason'],
    may: [],
  },
  'journal.damaged': {
    layer: 'record',
    about: 'A part of the journal became unreadable and was set aside.',
    has: [...ANY, 'reason', 'failure'],
    may: [],
  },
  'journal.shed': {
    layer: 'record',
    about: 'Allowed reads went unrecorded because the journal was full: `reason` has their number.',
    has: [...ANY, 'reason', 'failure'],
    may: [],
  },
} as const satisfies Readonly<Record<string, EventKind>>;

function grant(about: string) {
  return {
    layer: 'decide',
    about,
    has: [...ANY, 'agent', 'operation'],
    may: [...HELD, ...OF_HOLDS],
  } as const satisfies EventKind;
}

function person(about: string) {
  const may = ['agent', 'owner', 'system', 'reason', 'channel', 'groups'] as const;
  return { layer: 'decide', about, has: [...ANY, 'channel'], may } as const satisfies EventKind;
}

export type EventType = keyof typeof EVENT_TYPES;

/** Types that happen in one layer. A completed call may end in any. */
export type LayeredEventType = {
  [Type in EventType]: (typeof EVENT_TYPES)[Type]['layer'] extends Layer ? Type : never;
}[EventType];

export function layerOf(type: LayeredEventType): Layer {
  return EVENT_TYPES[type].layer;
}

type ValueOf<Kind extends FieldKind> = Kind extends 'time' | 'small' | 'count' | 'amount' | 'share'
  ? number
  : Kind extends 'names'
    ? readonly string[]
    : string;

/** Members whose values are known. */
type Known = {
  readonly type: EventType;
  readonly layer: Layer;
  readonly verdict: 'allow' | 'hold' | 'block';
  readonly trigger: 'rule' | 'probabilistic' | 'default' | 'fault';
  readonly failure: Failure;
  readonly actor_kind: 'agent' | 'reviewer' | 'gateway';
};

type Members = {
  readonly [Name in EventField]: Name extends keyof Known ? Known[Name] : ValueOf<(typeof EVENT_FIELDS)[Name]['kind']>;
};

type Always = 'event_id' | 'at' | 'node' | 'type' | 'layer';

/**
 * One step of the ledger, in the shape of the ClickHouse table `holdpoint.events`. `version` is added where the event is
 * written down.
 */
export type Event = Pick<Members, Always> & {
  readonly [Name in Exclude<EventField, Always>]?: Members[Name] | undefined;
};
