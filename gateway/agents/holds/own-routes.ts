import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Hold } from '../../domain/hold.ts';
import { isRefusal } from '../../domain/hold-command.ts';
import type { Principal } from '../../domain/principal.ts';
import { Problem } from '../../domain/problem.ts';
import { about } from './about.ts';
import type { AgentHoldsDeps } from './deps.ts';
import { holdView, relayView } from './hold-view.ts';
import { isFor } from './relay-routes.ts';

type HoldParams = { Params: { id: string } };

/** The holds of an agent's own calls and handoffs. */
export function registerOwnHolds(app: FastifyInstance, deps: AgentHoldsDeps): void {
  const { holds, contents, identify, identifyReader, tellings, links, replyTo, clock } = deps;

  async function own(request: FastifyRequest<HoldParams>, { agent }: Principal): Promise<Hold> {
    const hold = await holds.find(request.params.id);
    if (hold?.principal.agent !== agent) throw new Problem('not-found');
    return hold;
  }

  app.get<HoldParams>('/-/holds/:id', async (request, reply) => {
    const { agent } = identifyReader(request);
    const hold = await holds.find(request.params.id);
    if (hold && hold.principal.agent !== agent && isFor(hold, agent)) {
      const handoff = await contents.handoff(hold.id);
      return about(reply, hold).send({ ...relayView(hold, clock()), handoff });
    }
    if (hold?.principal.agent !== agent) throw new Problem('not-found');
    const answer = hold.status === 'answered' ? await contents.answer(hold.id) : null;
    return about(reply, hold).send(holdView(hold, answer, clock()));
  });

  app.get<HoldParams>('/-/holds/:id/response', async (request, reply) => {
    const hold = await own(request, identifyReader(request));
    if (hold.execution !== 'executed' && hold.execution !== 'confirmed-executed') throw new Problem('no-response-yet');
    const kept = await contents.response(hold.id);
    if (!kept?.complete || hold.kind !== 'approval') throw new Problem('already-executed');
    const sent = replyTo(request, reply);
    const answered = { agent: hold.principal.agent, system: hold.system, target: hold.path, reply: sent };
    const { response } = links.stored(answered, kept);
    tellings.follow(await tellings.begin(hold), sent);
    reply.hijack();
    sent.stored(hold.decisionId, response);
  });

  app.delete<HoldParams>('/-/holds/:id', async (request, reply) => {
    const hold = await own(request, identify(request));
    const by = hold.principal.agent;
    const result = await holds.apply(hold.id, { type: 'cancel', by, as: 'agent', channel: 'agent', reason: null });
    if (isRefusal(result)) throw new Problem('hold-settled', { detail: result.detail, extras: { hold_id: hold.id } });
    return about(reply, hold).send(holdView(result, null, clock()));
  });
}
