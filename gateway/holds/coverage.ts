import { hash } from 'node:crypto';
import { canonicalJson, isList, isNumber, isObject, type ExactJson } from '../json/exact-json.ts';
import { headerValue } from '../domain/headers.ts';
import { bodyOf, haveOneBody, isOtherCase, isToolCall } from '../domain/policy-input.ts';
import type { Requirement } from '../domain/decision.ts';
import type { Grant, GrantTerms } from '../domain/grant.ts';
import type { HoldDraft } from '../domain/hold-store.ts';
import type { CallHold, HeldCall } from '../domain/hold.ts';
import { createId } from '../domain/id.ts';
import { mayStayOpen, pathTemplateOf, type Openable, type OpenPlace } from '../domain/open-place.ts';
import { pointerTo } from '../json/pointer.ts';
import { readMessages } from '../mcp/message.ts';
import { bodyDigest, isReadWhole } from './body-digest.ts';
import { decodedSegment, pinnedTarget, type PinnedTarget } from './open-target.ts';
import { approvals } from './quorum.ts';

/** What of a member stays pinned when its value is open. Text of digits, as forms carry numbers, is a number in disguise. */
type OpenKind = 'number' | 'digits' | 'text' | 'boolean' | 'null';
type OpenMember = { readonly kind: OpenKind; readonly amount: string | null };

/** The same for every call that a grant covers: who calls what, and everything about the call but its target and body. */
type Caller = Pick<CallHold, 'principal' | 'system' | 'upstream' | 'method' | 'operation' | 'envelope' | 'terms'>;

/**
 * The grant that an approval under `terms` gives, for calls that differ from `call` in nothing but open places.
 * A member that cannot be left open safely (a list, an object, a negative number, a number with an exponent) stays pinned.
 */
export function grantFrom(hold: CallHold, call: HeldCall, terms: GrantTerms, now: number): Grant {
  const shape = shapeOf(hold, call, terms.open);
  const { openMembers } = shape;
  const numbers = [...openMembers].filter(([, { amount }]) => amount !== null);
  return {
    id: createId('grant'),
    agent: hold.principal.agent,
    system: hold.system,
    operation: shape.operation,
    shape: shape.digest,
    open: [...openMembers.keys(), ...shape.target.values.keys()],
    ceilings: Object.fromEntries(numbers.map(([pointer, { amount }]) => [pointer, amount!])),
    rules: holdRules(hold),
    requirements: hold.terms.requirements,
    uses: terms.uses,
    used: 0,
    until: terms.until,
    createdAt: now,
    by: approvals(hold).map(({ reviewer }) => reviewer),
    holdId: hold.id,
    revokedAt: null,
    revokedBy: null,
  };
}

/** Whether a grant answers a hold that is about to be opened. Whatever cannot be told for sure is not covered. */
export function covers(grant: Grant, draft: HoldDraft, now: number): boolean {
  if (grant.revokedAt !== null || now >= grant.until || grant.used >= grant.uses) return false;
  return hasOneBody(draft) && isWithinRules(grant, draft) && isWithinTerms(grant, draft) && isOfShape(grant, draft);
}

/** An open member may mean something else in another reading of the body. All else is pinned as it was sent. */
function hasOneBody({ call: { input, otherReadings = [] } }: HoldDraft): boolean {
  return otherReadings.length === 0 || haveOneBody([input, ...otherReadings]);
}

function isWithinRules({ rules }: Grant, draft: HoldDraft): boolean {
  const asking = holdRules(draft);
  return asking.length > 0 && asking.every((rule) => rules.includes(rule));
}

/** Nothing is asked for now that the approval has not met. */
function isWithinTerms(grant: Grant, { terms, claims }: HoldDraft): boolean {
  const met = new Set(grant.requirements.map(requirementText));
  return (
    terms.level === 2 &&
    terms.reversible === true &&
    claims.reversible !== false &&
    terms.requirements.every((requirement) => met.has(requirementText(requirement))) &&
    grant.open.every((place) => mayStayOpen(terms, place))
  );
}

function isOfShape(grant: Grant, draft: HoldDraft): boolean {
  const { digest, openMembers } = shapeOf(draft, draft.call, grant.open);
  return (
    digest === grant.shape &&
    [...openMembers].every(([pointer, { amount }]) => amount === null || isAtMost(amount, grant.ceilings[pointer]))
  );
}

function holdRules({ rules }: Pick<CallHold, 'rules'>): string[] {
  return [...new Set(rules.filter(({ verdict }) => verdict === 'hold').map(({ id }) => id))];
}

function requirementText({ groups, quorum, escalate }: Requirement): string {
  return canonicalJson({ groups: groups.toSorted(), quorum, escalate });
}

/**
 * SHA-256 (lowercase hex) over everything that is pinned. The owner is part of it: an agent that has passed to another
 * owner may have passed to the one who approved. So is whether owners may approve at all.
 */
function shapeOf(caller: Caller, call: HeldCall, open: readonly OpenPlace[]): Shape {
  const { principal, system, upstream = null, method, envelope, terms } = caller;
  const { agent, owner, onBehalfOf } = principal;
  const { ownerMayApprove } = terms;
  const { pinned: body, openMembers } = pinnedBody(call, open);
  const target = openTarget(call, open);
  const operation = openOperation(caller, target);
  const kinds = [...openMembers].map(([pointer, { kind }]) => [pointer, kind]);
  const pinned = { agent, owner, onBehalfOf, system, upstream, method, operation, envelope, ownerMayApprove };
  const digest = hash('sha256', canonicalJson({ ...pinned, target: target.pinned, body, open: kinds }));
  return { digest, operation, target, openMembers };
}

type Shape = {
  readonly digest: string;
  readonly operation: string;
  readonly target: PinnedTarget;
  readonly openMembers: OpenMembers;
};

/**
 * What systems read in several ways is pinned as a whole: an open place may be another one there. In another case, all
 * places stay where they are.
 */
function openTarget({ target, otherReadings = [] }: HeldCall, open: readonly OpenPlace[]): PinnedTarget {
  return pinnedTarget(target, otherReadings.every(isOtherCase) ? open : []);
}

/** A word with a digit is more likely an identifier than the name of another operation, such as `export`. */
const WITH_DIGIT = /\p{N}/u;

/**
 * The operation of a call, which is pinned too: with an open segment, `/contacts/export` must not pass for a contact. An
 * operation that is named after its path has `{id}` for an open segment that has a digit.
 */
function openOperation({ method, operation }: Pick<Caller, 'method' | 'operation'>, target: PinnedTarget): string {
  const parts = operation.startsWith(`${method} /`) ? operation.slice(method.length + 1).split('/') : [];
  if (parts.length !== target.parts.length) return operation;
  for (const index of target.segments) {
    const segment = decodedSegment(target.parts[index]!);
    if (segment !== null && parts[index] === segment && WITH_DIGIT.test(segment)) parts[index] = '{id}';
  }
  return `${method} ${parts.join('/')}`;
}

/** The operations that a grant may name that covers this call. */
export function coveringOperations(draft: HoldDraft): string[] {
  const places = (draft.terms.open ?? []).filter((place) => pathTemplateOf(place) !== null);
  const named = places.map((place) => openOperation(draft, openTarget(draft.call, [place])));
  return [...new Set([draft.operation, ...named])];
}

const MOST_OPENABLE = 100;

/** What an approval of this call may leave open: at most 100 places. Empty if it may not cover further calls. */
export function openables({ terms, claims }: CallHold, call: HeldCall): Openable[] {
  if (terms.reversible !== true || claims.reversible === false) return [];
  const open = terms.open ?? [];
  const inTarget = open.flatMap((place) => {
    const value = openTarget(call, [place]).values.get(place);
    return value === undefined ? [] : [{ place, value, atMost: false }];
  });
  const inBody = membersOf(call).flatMap(([place, value]) => {
    const member = mayStayOpen(terms, place) ? openMemberOf(value) : null;
    return member ? [{ place, value: textOf(value), atMost: member.amount !== null }] : [];
  });
  return [...inTarget, ...inBody].slice(0, MOST_OPENABLE);
}

function textOf(value: ExactJson): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Every scalar in a body that policy reads, by its pointer. */
function membersOf(call: HeldCall): (readonly [string, ExactJson])[] {
  const body = readableBody(call);
  const walk = (value: ExactJson, pointer: string): (readonly [string, ExactJson])[] => {
    if (isList(value)) return value.flatMap((each, index) => walk(each, pointerTo(pointer, index)));
    if (!isObject(value)) return [[pointer, value]];
    return Object.entries(value).flatMap(([name, each]) => walk(each, pointerTo(pointer, name)));
  };
  return body === undefined ? [] : walk(body, '');
}

function readableBody(call: HeldCall): ExactJson | undefined {
  const isWhole = isToolCall(call.input) ? hasArgumentsAlone(call.body) : isReadWhole(typeOf(call));
  return isWhole ? bodyOf(call.input) : undefined;
}

/** Whether a call of a tool says nothing beside its arguments, such as what a person answered to the server. */
function hasArgumentsAlone(body: Buffer): boolean {
  const [{ inputResponses, asksForTask }] = readMessages(body).all;
  return inputResponses === null && !asksForTask;
}

function typeOf({ headers }: HeldCall): string {
  return headerValue(headers, 'content-type') ?? '';
}

type OpenMembers = ReadonlyMap<string, OpenMember>;

/**
 * JSON or a form as policy sees it, with null in the place of what is open, and what was found there. Of other bodies
 * policy may see a part only, so all of it is pinned.
 */
function pinnedBody(call: HeldCall, open: readonly string[]): { pinned: ExactJson; openMembers: OpenMembers } {
  const openMembers = new Map<string, OpenMember>();
  const body = readableBody(call);
  if (body === undefined) {
    return { pinned: { unseen: bodyDigest(call.body, typeOf(call)) }, openMembers };
  }
  const json = withoutOpen(body, '', new Set(open), openMembers);
  // In the order of the pointers: members may come in any.
  return { pinned: { json }, openMembers: new Map([...openMembers].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function withoutOpen(
  value: ExactJson,
  pointer: string,
  open: ReadonlySet<string>,
  openMembers: Map<string, OpenMember>,
): ExactJson {
  const openMember = open.has(pointer) ? openMemberOf(value) : null;
  if (openMember) {
    openMembers.set(pointer, openMember);
    return null;
  }
  if (isList(value)) return value.map((each, index) => withoutOpen(each, pointerTo(pointer, index), open, openMembers));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([member, each]) => [
      member,
      withoutOpen(each, pointerTo(pointer, member), open, openMembers),
    ]),
  );
}

/** A plain decimal that every parser reads alike. */
const PLAIN = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;
/** A digit before any letter: `-5`, `1e9`, `$500`, `0x1F`, ` 7`. A system may read a number in it, and which one is unknown. */
const NUMBER_LIKE = /^\P{L}*\p{N}/u;

/** Null when the value cannot be left open. */
function openMemberOf(value: ExactJson): OpenMember | null {
  if (value === null) return { kind: 'null', amount: null };
  if (typeof value === 'boolean') return { kind: 'boolean', amount: null };
  if (typeof value === 'string') {
    if (PLAIN.test(value)) return { kind: 'digits', amount: value };
    return NUMBER_LIKE.test(value) ? null : { kind: 'text', amount: null };
  }
  const text = isNumber(value) ? JSON.stringify(value) : '';
  return PLAIN.test(text) ? { kind: 'number', amount: text } : null;
}

/** Compares plain decimals digit by digit. */
function isAtMost(amount: string, ceiling: string | undefined): boolean {
  if (ceiling === undefined) return false;
  const [whole = '', fraction = ''] = amount.split('.');
  const [mostWhole = '', mostFraction = ''] = ceiling.split('.');
  if (whole !== mostWhole)
    return whole.length === mostWhole.length ? whole < mostWhole : whole.length < mostWhole.length;
  return fraction <= mostFraction.padEnd(fraction.length, '0');
}
