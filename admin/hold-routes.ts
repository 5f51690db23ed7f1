import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { isRefusal } from '../gateway/domain/hold.ts';
import type { Hold, HoldCommand, HoldRefusal } from '../gateway/domain/hold.ts';
import type { Reviewer } from '../gateway/domain/principal.ts';
import { reviewerOf } from './authenticate.ts';
import { viewBody } from './body-view.ts';
import { contextPackage } from './context-package.ts';
import type { Permissions } from './context-package.ts';
import type { AdminDeps } from './deps.ts';
import { entityTag, seenRevision } from './entity-tag.ts';
import { holdSummary, iso } from './hold-view.ts';
import { AdminProblem } from './problems.ts';
import * as schemas from './schemas.ts';
import type { ContextPackage } from './schemas.ts';

const HOLD_ID = /^hold_[0-9a-f]{32}$/;

type Deps = Pick<AdminDeps, 'holds' | 'transition' | 'clock'>;

/** Reading holds, and deciding on them. */
export function holdRoutes({ holds, transition, clock }: Deps): FastifyPluginAsyncZod {
  async function findHold(id: string): Promise<Hold> {
    const hold = HOLD_ID.test(id) ? await holds.find(id) : null;
    if (!hold) throw new AdminProblem('not-found', { detail: 'There is no such hold.' });
    return hold;
  }

  /** Asks the state machine, so that what is offered is what would be accepted. */
  function permissions(hold: Hold, by: Reviewer): Permissions {
    const as = { by, channel: 'api', revision: hold.revision, note: null } as const;
    const approve = transition(hold, { type: 'approve', ...as }, clock());
    const reject = transition(hold, { type: 'reject', code: 'other', ...as }, clock());
    return {
      approve: !('refused' in approve),
      reject: !('refused' in reject),
      why: 'refused' in approve ? approve.detail : null,
    };
  }

  async function show(hold: Hold, by: Reviewer, reply: FastifyReply): Promise<ContextPackage> {
    void reply.header('etag', entityTag(hold.revision));
    return contextPackage(hold, await holds.call(hold.id), permissions(hold, by));
  }

  async function decide(hold: Hold, command: HoldCommand, by: Reviewer, reply: FastifyReply): Promise<ContextPackage> {
    const result = await holds.apply(hold.id, command);
    if (isRefusal(result)) throw asProblem(result);
    return await show(result, by, reply);
  }

  return async (app) => {
    app.get(
      '/holds',
      {
        schema: {
          summary: 'Holds, newest first',
          querystring: schemas.holdQuery,
          response: { 200: schemas.holdPage, ...schemas.problemResponses(401, 422, 503) },
        },
      },
      async ({ query }) => {
        const { status, system, group, agent, cursor, limit } = query;
        if (cursor !== undefined && !HOLD_ID.test(cursor)) {
          const errors = [{ in: 'querystring', pointer: '/cursor', detail: "expected an earlier answer's next" }];
          throw new AdminProblem('invalid', {
            detail: "cursor: expected an earlier answer's next",
            extras: { errors },
          });
        }
        const { items, next } = await holds.list({
          limit,
          ...(status && { status }),
          ...(system && { system }),
          ...(group && { group }),
          ...(agent && { agent }),
          ...(cursor && { cursor }),
        });
        return { items: items.map(holdSummary), next };
      },
    );

    app.get(
      '/holds/:id',
      {
        schema: {
          summary: 'The context package of one hold; its ETag is its revision',
          params: schemas.holdParams,
          response: { 200: schemas.contextPackage, ...schemas.problemResponses(401, 404, 503) },
        },
      },
      async (request, reply) => await show(await findHold(request.params.id), reviewerOf(request), reply),
    );

    const written = {
      200: schemas.contextPackage,
      ...schemas.problemResponses(400, 401, 403, 404, 409, 412, 413, 415),
    };
    const responses = { ...written, ...schemas.problemResponses(422, 428, 503) };

    app.post(
      '/holds/:id/approve',
      {
        schema: {
          summary: 'Approves the revision that If-Match names',
          params: schemas.holdParams,
          headers: schemas.ifMatch,
          body: schemas.approveBody,
          response: responses,
        },
      },
      async (request, reply) => {
        const by = reviewerOf(request);
        const hold = await findHold(request.params.id);
        const revision = seenRevision(request.headers['if-match'], hold.revision);
        const note = request.body?.note || null;
        const command = { type: 'approve', by, channel: 'api', revision, note } as const;
        // The machine first: that it is decided, or not theirs to decide, is the better answer of the two.
        const foreseen = transition(hold, command, clock());
        const { complete, missing } = viewBody(await holds.call(hold.id), null);
        if (!('refused' in foreseen) && !complete) {
          throw new AdminProblem('incomplete', {
            detail: `${missing} Nobody approves what they could not see: reject it instead.`,
            extras: { hold_id: hold.id },
          });
        }
        return await decide(hold, command, by, reply);
      },
    );

    app.post(
      '/holds/:id/reject',
      {
        schema: {
          summary: 'Rejects the revision that If-Match names; the agent can read code and note',
          params: schemas.holdParams,
          headers: schemas.ifMatch,
          body: schemas.rejectBody,
          response: responses,
        },
      },
      async (request, reply) => {
        const by = reviewerOf(request);
        const hold = await findHold(request.params.id);
        const revision = seenRevision(request.headers['if-match'], hold.revision);
        const { code } = request.body;
        const note = request.body.note || null;
        return await decide(hold, { type: 'reject', by, channel: 'api', revision, code, note }, by, reply);
      },
    );
  };
}

function asProblem({ refused, detail, hold }: HoldRefusal): AdminProblem {
  const hold_id = hold ? { hold_id: hold.id } : {};
  switch (refused) {
    case 'not-found':
      return new AdminProblem('not-found', { detail });
    case 'stale':
      return new AdminProblem('stale', { detail, extras: hold_id });
    case 'forbidden':
      return new AdminProblem('not-permitted', { detail, extras: hold_id });
    case 'state': {
      const { status = 'unknown', decidedBy = null, decidedAt = null } = hold ?? {};
      const decided = { status, by: decidedBy, at: decidedAt === null ? null : iso(decidedAt) };
      return new AdminProblem('decided', { detail, extras: { ...hold_id, decided } });
    }
  }
}
