import type { FastifyReply } from 'fastify';
import type { Hold } from '../../gateway/domain/hold.ts';
import { isId } from '../../gateway/domain/id.ts';
import type { HoldCommand } from '../../gateway/domain/hold-command.ts';
import { isRefusal } from '../../gateway/domain/hold-command.ts';
import type { Channel, Reviewer } from '../../gateway/domain/principal.ts';
import { reviewerOf } from '../authenticate.ts';
import { mayReadContents, seenBy } from '../contents-access.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { HIDDEN, viewCall } from './body-view.ts';
import { contextPackage } from './context-package.ts';
import { entityTag, seenRevision } from './entity-tag.ts';
import { editForm } from './edit-form.ts';
import { createFirstSeen } from './first-seen.ts';
import { readHistory } from './history.ts';
import { lastApproved } from './last-approved.ts';
import { permissions } from './permissions.ts';
import { refusalProblem } from './refusal.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';

/** A write on a hold, as far as all of them are alike. */
export type HoldWrite = {
  readonly params: { readonly id: string };
  readonly headers: { readonly 'if-match'?: string | undefined; readonly 'holdpoint-channel': Channel };
};

/** Who gives a command, by which way, and which revision they have seen. */
export type Giver = { readonly by: Reviewer; readonly channel: Channel; readonly revision: number };

export type HoldRoutesContext = {
  /** @throws AdminProblem `not-found` */
  find(id: string): Promise<Hold>;
  /**
   * The hold that a write is about, and who writes; `by` stands in for everybody whom the person stands in for now.
   * @throws AdminProblem for what `If-Match` says, `not-found`
   */
  begin(write: HoldWrite): Promise<{ hold: Hold; as: Giver }>;
  /** @throws AdminProblem when the command would be refused now */
  foresee(hold: Hold, command: HoldCommand): Promise<void>;
  /** Carries the command out and answers with the hold as it is then. @throws AdminProblem when it is refused */
  carryOut(hold: Hold, command: HoldCommand, request: object, reply: FastifyReply): Promise<ContextPackage>;
  /** The context package for the person who asks, with what is in the call if they may read that. */
  show(hold: Hold, request: object, reply: FastifyReply): Promise<ContextPackage>;
  /** When a person was first shown this revision, in milliseconds since the epoch; null when that is not known. */
  seenAt(hold: Hold, by: Reviewer): number | null;
};

type History = ContextPackage['history'];

/** Who has given a command does not wait for the record: they have read it before. */
const DECIDED: History = { available: false, why: 'The answer to a command comes without it; read the hold.' };

type Deps = Pick<
  AdminDeps,
  | 'holds'
  | 'contents'
  | 'delegations'
  | 'transition'
  | 'demands'
  | 'openables'
  | 'changedPlaces'
  | 'bodySchema'
  | 'toolDefinition'
  | 'policy'
  | 'calls'
  | 'looked'
  | 'clock'
>;

/** What all routes on one hold share. */
export function createHoldRoutesContext(deps: Deps): HoldRoutesContext {
  const { holds, contents, delegations, transition, demands, openables, toolDefinition, policy, calls } = deps;
  const { looked, clock } = deps;
  const firstSeen = createFirstSeen();

  async function find(id: string): Promise<Hold> {
    const hold = isId('hold', id) ? await holds.find(id) : null;
    if (!hold) throw new AdminProblem('not-found', { detail: 'There is no such hold.' });
    return hold;
  }

  async function show(
    hold: Hold,
    request: object,
    reply: FastifyReply,
    asked: Promise<History> | History,
  ): Promise<ContextPackage> {
    const person = reviewerOf(request);
    const mayRead = mayReadContents(person, hold.principal.owner);
    const isCall = mayRead && hold.kind === 'approval';
    const isHandoff = mayRead && hold.kind !== 'approval';
    const [by, call, original, tool, handoff, answer, history] = await Promise.all([
      delegations.standIn(person),
      isCall ? contents.call(hold.id, hold.revision) : null,
      isCall && hold.editors.length > 0 ? contents.call(hold.id, 1) : null,
      isCall ? toolDefinition(hold.system, hold.operation) : null,
      isHandoff ? contents.handoff(hold.id) : null,
      isHandoff && hold.status === 'answered' ? contents.answer(hold.id) : null,
      asked,
    ]);
    const current = call && hold.kind === 'approval' ? await lastApproved(deps, hold, call) : null;
    const now = clock();
    const view = mayRead ? viewCall(hold, call, original) : HIDDEN;
    const permitted = permissions(transition, hold, call, by, view.missing, now);
    firstSeen.saw(person.id, hold.id, hold.revision, now);
    if (permitted.claim) looked(hold.id);
    void reply.header('etag', entityTag(hold.revision));
    return contextPackage(seenBy(person, hold), {
      call,
      view,
      tool,
      handoff,
      answer,
      demands: demands(hold),
      openable: call && hold.kind === 'approval' ? openables(hold, call) : [],
      form: call && hold.kind === 'approval' ? editForm(deps, hold, call, tool) : null,
      current,
      ruleText: (place) => (mayRead && hold.kind === 'approval' ? policy.ruleText(hold.policyRevision, place) : null),
      history,
      permissions: permitted,
      person: person.id,
      now,
    });
  }

  return {
    find,
    async begin(write) {
      const hold = await find(write.params.id);
      const revision = seenRevision(write.headers['if-match'], hold.revision);
      const by = await delegations.standIn(reviewerOf(write));
      return { hold, as: { by, channel: write.headers['holdpoint-channel'], revision } };
    },
    async foresee(hold, command) {
      const refusal = await holds.foresee(hold.id, command);
      if (refusal) throw refusalProblem(refusal);
    },
    async carryOut(hold, command, request, reply) {
      const result = await holds.apply(hold.id, command);
      if (isRefusal(result)) throw refusalProblem(result);
      return await show(result, request, reply, DECIDED);
    },
    show: (hold, request, reply) => show(hold, request, reply, readHistory(calls, hold)),
    seenAt: (hold, by) => firstSeen.at(by.id, hold.id, hold.revision),
  };
}
