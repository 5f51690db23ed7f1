import type { HandoffDraft, HoldDraft } from '../../domain/hold-store.ts';
import { assertCall, type CallHold, type Hold } from '../../domain/hold.ts';
import { Problem } from '../../domain/problem.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { chooseAssignee, type Assignable } from './assign.ts';
import { attachToExisting, standingRejection } from './attach.ts';
import type { Change, Step } from '../changes/change.ts';
import { preconditionsOf } from './preconditions.ts';
import { delegationsInForce } from './delegations.ts';
import { useGrant } from './grants.ts';
import { assertRoomForHandoff } from './handoff-limit.ts';
import type { HoldWriter } from './hold-writer.ts';
import { transition } from '../machine.ts';
import { newHandoff, newHold } from '../new-hold.ts';
import type { Content } from './hold-contents.ts';
import { insertHeard } from './senders.ts';
import type { UnitOfWork } from './unit-of-work.ts';

export type Opened<Kept extends Hold> = { readonly hold: Kept; readonly attached: boolean };

export type HoldOpener = {
  call(unit: UnitOfWork, draft: HoldDraft, sender: string | null): Promise<Opened<CallHold>>;
  handoff(unit: UnitOfWork, draft: HandoffDraft): Promise<Opened<Hold>>;
};

/** Who is asked, for what, and how soon they should decide. */
function opened({ terms }: Hold): Step {
  return {
    type: 'hold.opened',
    actor: 'holdpoint',
    actor_kind: 'gateway',
    channel: 'agent',
    groups: [...new Set(terms.requirements.flatMap(({ groups }) => groups))],
    level: terms.level,
    respond_within_ms: terms.respondWithin,
  };
}

/** Opens holds, unless the caller is suspended, has one already, or a grant covers the call. */
export function createHoldOpener(options: {
  readonly writer: HoldWriter;
  readonly reviewers: () => readonly Reviewer[];
}): HoldOpener {
  const { writer, reviewers } = options;

  async function assignee({ trx, now }: UnitOfWork, asked: Assignable, delegated: boolean): Promise<string | null> {
    return await chooseAssignee(trx, asked, reviewers(), delegated ? await delegationsInForce(trx, now) : []);
  }

  return {
    async call(unit, draft, sender) {
      const { principal, digest, earlierDigest = digest, idempotencyKey, handle, traceId } = draft;
      const { trx, now } = unit;
      const { suspended, granted, delegated } = await preconditionsOf(trx, principal.agent, draft.system, now);
      if (suspended) throw new Problem(suspended);
      const sent = { agent: principal.agent, digests: [digest, earlierDigest], idempotencyKey, handle, sender };
      const existing = await attachToExisting(writer, unit, sent);
      if (existing) return { hold: assertCall(existing), attached: true };
      const covered = granted ? await redeemed(unit, draft) : null;
      const rejected = covered ? null : await standingRejection(writer, unit, sent);
      if (rejected) return { hold: assertCall(rejected), attached: true };
      const change = covered ?? asking(newHold(draft, now, await assignee(unit, draft, delegated)));
      await writer.insert(unit, change, [{ kind: 'call', content: draft.call }], traceId);
      if (sender !== null) await insertHeard(trx, sender, [change.hold.id]);
      return { hold: assertCall(change.hold), attached: false };
    },
    async handoff(unit, draft) {
      const { principal, digest, idempotencyKey, form, artifacts, traceId } = draft;
      const { trx, now } = unit;
      const { suspended, delegated } = await preconditionsOf(trx, principal.agent, '', now);
      if (suspended) throw new Problem(suspended);
      const sent = { agent: principal.agent, digests: [digest], idempotencyKey, handle: false, sender: null };
      const existing = await attachToExisting(writer, unit, sent);
      if (existing) return { hold: existing, attached: true };
      await assertRoomForHandoff(trx, principal.agent, now);
      const hold = newHandoff(draft, now, await assignee(unit, draft, delegated));
      const contents: Content[] = [
        { kind: 'handoff', content: form },
        ...artifacts.map((artifact): Content => ({ kind: `artifact/${artifact.name}`, content: artifact })),
      ];
      await writer.insert(unit, asking(hold), contents, traceId);
      return { hold, attached: false };
    },
  };
}

/** A hold that waits for people. */
function asking(hold: Hold): Change {
  return { hold, events: [opened(hold)] };
}

/** The hold as a grant approves it in the moment in which it opens; null when none covers it. */
async function redeemed(unit: UnitOfWork, draft: HoldDraft): Promise<Change | null> {
  const use = await useGrant(unit, draft);
  if (!use) return null;
  const { grant, step } = use;
  const command = { type: 'redeem', grant: grant.id, by: grant.by, use: step.reason ?? grant.id } as const;
  const change = transition(newHold(draft, unit.now, null), command, unit.now);
  if ('refused' in change) throw new Error(`grant ${grant.id} cannot approve what it covers: ${change.detail}`);
  return { ...change, events: [opened(change.hold), ...change.events, step] };
}
