import type { Event, EventField } from '../../gateway/domain/event.ts';
import { type CallInput, inputLength, inputText, withEmptyBody } from '../../gateway/domain/call-input.ts';
import { columnsOf, sharedLength } from '../../gateway/domain/policy-input.ts';
import { iso } from '../../gateway/domain/time.ts';
import { type ExactJson, isObject, parseExactly } from '../../gateway/json/exact-json.ts';
import { MASK, maskPath, maskText, mayHoldSecret } from '../../gateway/secrets/secret.ts';
import { applyMaskRules, readMaskRules } from './rules.ts';
import { maskSecrets } from './secrets.ts';

/** Characters of masked input above which an event goes without it. */
export const MOST_INPUT = 64 * 1024;
/** Masked places that an event lists; `!more` says that there were more. */
const MOST_PLACES = 100;

/** The result set of a policy that masks nothing in this event. */
const NOTHING = '[{"result":[]}]';

type Mask = (event: Event) => Event;

export type DecisionMask = {
  /**
   * Removes secrets from an event. Never throws: what cannot be masked is dropped.
   * @param input of an event that does not have it yet
   */
  mask(event: Event, input?: CallInput): Event;
  /**
   * A quick check whether an event with this input and these words of a rule needs no masking, as nearly every one. False may
   * be wrong; true never is.
   */
  spares(input: CallInput, reason: string): boolean;
};

/**
 * Masks decisions before their bytes reach the journal: first as policy says (`data.system.log.mask`, OPA's decision-log
 * masking), then whatever looks like a secret, whether policy says so or not. `input` in the event is the policy input as
 * it was judged; members that come from the call too (its path, its resource, the agent's claims) follow it.
 *
 * @param deps.policy gives the mask of the policy in force, which takes a decision-log event and gives a result set, both
 *   as JSON text; null when there is none
 * @param deps.failed told why masking failed; then `input` is dropped, and the event says so
 */
export function createMask(deps: {
  readonly policy: () => ((event: string) => string) | null;
  readonly failed: (cause: unknown) => void;
}): DecisionMask {
  const attempt = (mask: Mask, event: Event): Event => {
    try {
      return mask(event);
    } catch (cause) {
      deps.failed(cause);
      return maskColumns(dropInput(event, '!mask-failed'));
    }
  };
  return {
    mask(event, input) {
      const evaluate = deps.policy();
      // Not written out only to be dropped.
      if (evaluate === null && input !== undefined && inputLength(input) > MOST_INPUT)
        return maskColumns(dropInput(event, '!too-large'));
      const whole = input === undefined ? event : { ...event, input: inputText(input) };
      const ruled = evaluate === null ? whole : attempt((raw) => maskByPolicy(raw, evaluate), whole);
      return attempt(maskInput, ruled);
    },
    spares: (input, reason) =>
      deps.policy() === null &&
      input !== '' &&
      inputLength(input) <= MOST_INPUT &&
      isClean(typeof input !== 'string' && input.body.isClean ? withEmptyBody(input) : inputText(input)) &&
      maskReason(reason) === reason,
  };
}

function maskByPolicy(event: Event, evaluate: (event: string) => string): Event {
  const text = evaluate(decisionLog(event));
  if (text === NOTHING) return event;
  const { input: judged = 'null', verdict = '', reason = '', rules = [] } = event;
  const log: { input?: ExactJson; result?: ExactJson } = {
    input: parseExactly(judged),
    result: { verdict, reason, rules },
  };
  const places = applyMaskRules(log, readMaskRules(text))
    .filter(({ path }) => path.startsWith('/input'))
    .map(({ path }) => path.slice('/input'.length));
  const said = changed({ reason: stringAt(log.result, 'reason') ?? MASK }, event);
  return places.length === 0 ? said : { ...following(said, log.input), masked: [...(said.masked ?? []), ...places] };
}

/** What OPA's decision log says of a decision, as far as it is known here. */
function decisionLog({ decision_id, at, input, verdict, reason, rules }: Event): string {
  const timestamp = iso(at);
  const rest = JSON.stringify({
    decision_id,
    path: 'holdpoint/decision',
    result: { verdict, reason, rules },
    timestamp,
  });
  // The input stands in it as it was judged: nothing is parsed or written twice.
  return input === undefined ? rest : `${rest.slice(0, -1)},"input":${input}}`;
}

/** The event with the input that policy left; its other members of the call follow that input. */
function following({ confidence, ...event }: Event, input: ExactJson | undefined): Event {
  const columns = columnsOf(input);
  const type = columns.resourceType ?? MASK;
  const id = columns.resourceId;
  return {
    ...event,
    input: input === undefined ? '' : JSON.stringify(input),
    path: columns.path ?? MASK,
    resource: id === null ? type : `${type}/${id ?? MASK}`,
    session: columns.session ?? '',
    task: columns.task ?? '',
    flags: columns.flags,
    ...(confidence !== undefined && columns.confidence === confidence && { confidence }),
  };
}

function maskInput(event: Event): Event {
  const { input = '' } = event;
  if (input.length > MOST_INPUT) return maskColumns(dropInput(event, '!too-large'));
  // Whatever else an event has of the call is in the input; the words of a rule are its author's.
  if (input !== '' && isClean(input)) return changed({ reason: maskReason(event.reason ?? '') }, event);
  if (input === '') return maskColumns(event);
  const { text, places } = maskSecrets(input);
  if (places.length === 0) return maskColumns(event);
  return maskColumns({ ...event, input: text, masked: listed([...(event.masked ?? []), ...places]) });
}

const cleanBeginnings = new Set<string>();
const MOST_BEGINNINGS = 1000;
const LONGEST_BEGINNING = 1024;

/** Whether the policy input has nothing that looks like a secret. Half of most inputs was checked before. */
function isClean(input: string): boolean {
  const end = sharedLength(input);
  const beginning = input.slice(0, end);
  if (!cleanBeginnings.has(beginning)) {
    // With the comma that follows: it tells the end of a value.
    if (mayHoldSecret(input.slice(0, end + 1))) return false;
    if (cleanBeginnings.size >= MOST_BEGINNINGS) cleanBeginnings.clear();
    // A copy, or it would keep the whole input.
    if (end <= LONGEST_BEGINNING) cleanBeginnings.add(Buffer.from(beginning).toString());
  }
  return !mayHoldSecret(input.slice(end));
}

const reasons = new Map<string, string>();
const MOST_REASONS = 512;

/** The reasons of rules repeat. */
function maskReason(reason: string): string {
  let masked = reasons.get(reason);
  if (masked === undefined) {
    masked = maskText(reason);
    if (reasons.size >= MOST_REASONS) reasons.clear();
    reasons.set(reason, masked);
  }
  return masked;
}

function maskColumns(event: Event): Event {
  const { path = '', resource = '', operation = '', reason = '', session = '', task = '', flags = [] } = event;
  const masked = {
    path: maskPath(path),
    resource: maskText(resource),
    operation: maskText(operation),
    reason: maskText(reason),
    session: maskText(session),
    task: maskText(task),
  };
  const said = changed(masked, event);
  return flags.length === 0 ? said : { ...said, flags: flags.map(maskText) };
}

/** The event with other texts; it lists the ones that differ. */
function changed(texts: { readonly [Name in EventField]?: string }, event: Event): Event {
  const names = (Object.keys(texts) as EventField[]).filter((name) => texts[name] !== (event[name] ?? ''));
  if (names.length === 0) return event;
  return { ...event, ...texts, masked: listed([...(event.masked ?? []), ...names]) } as Event;
}

function dropInput(event: Event, why: '!too-large' | '!mask-failed'): Event {
  return { ...event, input: '', masked: [...(event.masked ?? []), why] };
}

function listed(places: readonly string[]): readonly string[] {
  const once = [...new Set(places)];
  return once.length <= MOST_PLACES ? once : [...once.slice(0, MOST_PLACES), '!more'];
}

function stringAt(value: ExactJson | undefined, name: string): string | null {
  const member = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof member === 'string' ? member : null;
}
