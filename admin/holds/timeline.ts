import type { Event } from '../../gateway/domain/event.ts';
import type { Hold } from '../../gateway/domain/hold.ts';
import type { Notification } from '../../gateway/domain/notification.ts';
import { iso } from '../../gateway/domain/time.ts';
import type { TimelineItem } from '../api/hold-schemas.ts';

/** What a timeline is put together from besides the hold. */
export type TimelineSources = {
  /** What the record has of its steps; the newest may be missing, or all of them. */
  readonly steps: readonly Event[];
  readonly told: readonly Told[];
  readonly opened: readonly { readonly reviewer: string; readonly at: number }[];
};

export type Told = Pick<Notification, 'kind' | 'channel' | 'to' | 'createdAt' | 'state'>;

type Item = Omit<TimelineItem, 'at'> & { readonly at: number };

/** What happened to a hold, oldest first. */
export function timeline(hold: Hold, { steps, told, opened }: TimelineSources): TimelineItem[] {
  const recorded = steps.flatMap((step, index) => [
    ...policyChange(step, steps.slice(0, index)),
    ...(step.type.startsWith('hold.') ? [recordedItem(hold, step, steps)] : []),
  ]);
  const known = new Set(recorded.map(keyOf));
  const items = [
    ...recorded,
    // The hold itself has what the record does not have yet.
    ...ownItems(hold).filter((item) => !known.has(keyOf(item))),
    ...told.map(toldItem),
    ...openings(hold, opened),
  ];
  return items.toSorted((a, b) => a.at - b.at).map((item) => ({ ...item, at: iso(item.at) }));
}

/** The hold and the event of one step have one time. */
function keyOf({ type, at }: Item): string {
  return `${type} ${at}`;
}

function recordedItem(hold: Hold, step: Event, steps: readonly Event[]): Item {
  const type = step.type.slice('hold.'.length);
  const { at, actor = '', actor_kind, channel = '' } = step;
  const by = type === 'opened' ? hold.principal.agent : actor_kind === 'gateway' ? null : actor;
  return { at, type, by, text: recordedText(hold, type, step, steps), channel: channel || null };
}

function recordedText(hold: Hold, type: string, step: Event, steps: readonly Event[]): string {
  if (type === 'opened') return step.reason ?? hold.reason;
  if (type === 'noted') return hold.notes.find(({ at }) => at === step.at)?.text ?? 'A note.';
  // A step without words of its own has the reason for which the call is held.
  const usual = [hold.reason, ...steps.filter((each) => each.type === 'hold.opened').map(({ reason = '' }) => reason)];
  const said = step.reason && !usual.includes(step.reason) ? step.reason : null;
  if (type === 'escalated') return asked(said?.replace(/^to /, '') ?? 'further groups');
  if (type === 'approved' && step.actor_kind === 'gateway') return withWords(covered(step.actor ?? ''), said);
  return withWords(sentence(type, step), said);
}

/** The gateway's words for a step. */
function sentence(
  type: string,
  { code, status = 0, changes = [] }: Pick<Event, 'code' | 'status' | 'changes'>,
): string {
  switch (type) {
    case 'rejected':
      return `Rejected (${code}).`;
    case 'returned':
      return `Returned (${code}).`;
    case 'edited':
      return changes.length > 0 ? `Changed ${changes.join(', ')}.` : 'Changed the call.';
    case 'executed':
      return `The system answered with status ${status}.`;
    case 'confirmed':
    case 'outcome':
      return code === 'executed' ? 'It was executed.' : 'It was not executed.';
    default:
      return SENTENCES.get(type) ?? type;
  }
}

const SENTENCES: ReadonlyMap<string, string> = new Map([
  ['attached', 'The agent sent the call again.'],
  ['claimed', 'Claimed.'],
  ['unclaimed', 'Gave up the claim.'],
  ['voted', 'Approved.'],
  ['approved', 'Enough people approved.'],
  ['taken-over', 'Took the work over.'],
  ['answered', 'Answered.'],
  ['accepted', 'Accepted.'],
  ['reminded', 'The people asked were reminded.'],
  ['expired', 'No reviewer decided in time.'],
  ['cancelled', 'Withdrawn.'],
  ['superseded', 'No longer permitted.'],
  ['reopened', 'Policy asks again.'],
  ['lapsed', 'The caller did not collect the call in time.'],
  ['released', 'The gateway began to send the call.'],
  ['failed', 'The call did not reach the system.'],
  ['indeterminate', 'It is not known whether the call arrived.'],
]);

function covered(grant: string): string {
  return `Covered by the grant ${grant}.`;
}

function asked(whom: string): string {
  return `Asked ${whom}.`;
}

/** The steps at which policy judges the call; others repeat what the hold says. */
const JUDGED: ReadonlySet<Event['type']> = new Set(['hold.opened', 'hold.edited', 'hold.reopened', 'hold.released']);

/** The revision of the policy that judged a step, where it is another than before. */
function policyChange({ at, type, policy_revision: now = '' }: Event, earlier: readonly Event[]): Item[] {
  if (!JUDGED.has(type)) return [];
  const before = earlier.findLast((step) => JUDGED.has(step.type) && step.policy_revision)?.policy_revision;
  if (now === '' || now === before) return [];
  const text =
    before === undefined
      ? `Judged by policy ${short(now)}.`
      : `Judged again, by policy ${short(now)} instead of ${short(before)}.`;
  return [{ at, type: 'policy', by: null, text, channel: null }];
}

/** Enough of a revision to tell it from others. */
function short(revision: string): string {
  return revision.slice(0, 12);
}

/** What the hold itself tells of its steps. */
function ownItems(hold: Hold): Item[] {
  const { principal, votes, notes, escalations, lease, editors, outcome, decidedAt, decidedBy } = hold;
  const attempt = hold.kind === 'approval' ? hold.attempt : null;
  const edits = votes.filter(
    ({ reviewer, revision }, index) =>
      revision > 1 && editors.includes(reviewer) && votes.findIndex((vote) => vote.revision === revision) === index,
  );
  const by = (person: string | null, channel: string | null = null) => ({ by: person, channel });
  const steps: Item[] = [
    { at: hold.createdAt, type: 'opened', ...by(principal.agent, 'agent'), text: hold.reason },
    ...edits.map(({ at, reviewer, note, channel }) => {
      return { at, type: 'edited', ...by(reviewer, channel), text: withWords(sentence('edited', {}), note) };
    }),
    ...votes.map(({ at, reviewer, note, channel }) => {
      return { at, type: 'voted', ...by(reviewer, channel), text: withWords(sentence('voted', {}), note) };
    }),
    ...notes.map((note) => ({ at: note.at, type: 'noted', ...by(note.by), text: note.text })),
    ...escalations.map(({ at, to, by: person, note }) => {
      return { at, type: 'escalated', ...by(person), text: withWords(asked(to.join(', ')), note) };
    }),
  ];
  if (lease) steps.push({ at: lease.since, type: 'claimed', ...by(lease.by), text: sentence('claimed', {}) });
  if (decidedAt !== null) {
    const grant = hold.kind === 'approval' && hold.status === 'approved' ? hold.grantId : null;
    const text = withWords(
      grant === null ? sentence(hold.status, { code: hold.code ?? '' }) : covered(grant),
      hold.note,
    );
    steps.push({ at: decidedAt, type: hold.status, ...by(decidedBy), text });
  }
  if (attempt) steps.push({ at: attempt.at, type: 'released', ...by(null), text: sentence('released', {}) });
  if (outcome) {
    const text = withWords(sentence('outcome', { code: outcome.result }), outcome.note);
    const type = hold.kind === 'approval' && hold.status !== 'taken-over' ? 'confirmed' : 'outcome';
    steps.push({ at: outcome.at, type, ...by(outcome.by), text });
  }
  return steps;
}

const STATES: Readonly<Record<Told['state'], string>> = {
  waiting: 'not sent yet',
  gathered: 'for the next digest',
  sent: 'sent',
  dropped: 'no longer needed, not sent',
  dead: 'could not be delivered',
};

function toldItem({ kind, channel, to, createdAt, state }: Told): Item {
  const text = `Message (${kind})${to === null ? '' : ` to ${to}`}: ${STATES[state]}.`;
  return { at: createdAt, type: 'told', by: null, text, channel };
}

/** Who opened the page, once each: as far as this gateway remembers, and as votes tell. */
function openings({ votes }: Hold, opened: TimelineSources['opened']): Item[] {
  const first = new Map<string, number>();
  const seen = votes.flatMap(({ reviewer, seenAt }) => (seenAt === null ? [] : [{ reviewer, at: seenAt }]));
  for (const { reviewer, at } of [...seen, ...opened]) first.set(reviewer, Math.min(at, first.get(reviewer) ?? at));
  return [...first].map(([by, at]) => ({ at, type: 'seen', by, text: 'Opened it.', channel: null }));
}

function withWords(sentence: string, words: string | null): string {
  return words === null ? sentence : `${sentence} “${words}”`;
}
