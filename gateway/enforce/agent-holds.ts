import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isRefusal, type Hold, type HoldStore } from '../domain/hold.ts';
import { Problem } from '../domain/problem.ts';
import type { Principal } from '../domain/principal.ts';
import { writeHeldResponse } from './held-response.ts';

type HoldParams = { Params: { id: string } };

/** What an agent may know of its own holds, and do with them. Another agent's hold does not exist for it. */
export function registerAgentHolds(
  app: FastifyInstance,
  deps: { readonly store: HoldStore; readonly identify: (request: FastifyRequest) => Principal },
): void {
  const { store, identify } = deps;

  async function own(request: FastifyRequest<HoldParams>): Promise<Hold> {
    const principal = identify(request);
    const hold = await store.find(request.params.id);
    if (!hold || hold.principal.agent !== principal.agent) throw new Problem('not-found');
    return hold;
  }

  app.get<HoldParams>('/-/holds/:id', async (request, reply) => {
    const hold = await own(request);
    reply.header('holdpoint-decision', hold.decisionId).header('holdpoint-verdict', 'hold').send(agentView(hold));
  });

  app.get<HoldParams>('/-/holds/:id/response', async (request, reply) => {
    const hold = await own(request);
    if (hold.execution !== 'executed' && hold.execution !== 'confirmed-executed') throw new Problem('no-response-yet');
    const kept = await store.response(hold.id);
    if (!kept?.complete) throw new Problem('already-executed');
    reply.hijack();
    writeHeldResponse(reply.raw, kept, hold.decisionId);
  });

  app.delete<HoldParams>('/-/holds/:id', async (request, reply) => {
    const hold = await own(request);
    const cancelled = await store.apply(hold.id, { type: 'cancel', by: hold.principal.agent });
    if (isRefusal(cancelled))
      throw new Problem('hold-settled', { detail: cancelled.detail, extras: { hold_id: hold.id } });
    reply.header('holdpoint-decision', hold.decisionId).header('holdpoint-verdict', 'hold').send(agentView(cancelled));
  });
}

/** A hold in the words of the contract with agents: nothing about who may decide it, or how. */
function agentView(hold: Hold) {
  const waiting = hold.status === 'pending' || hold.execution === 'releasing';
  return {
    hold_id: hold.id,
    status: hold.status,
    execution: hold.execution,
    revision: hold.revision,
    created_at: new Date(hold.createdAt).toISOString(),
    expires_at: new Date(hold.expiresAt).toISOString(),
    ...(hold.code !== null && { code: hold.code }),
    ...(hold.note !== null && { note: hold.note }),
    ...(waiting && { retry_after: 5 }),
  };
}
