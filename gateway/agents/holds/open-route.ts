import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { HoldTerms } from '../../domain/decision.ts';
import type { Recipient } from '../../domain/handoff.ts';
import type { HandoffDraft } from '../../domain/hold-store.ts';
import { createId } from '../../domain/id.ts';
import type { Principal } from '../../domain/principal.ts';
import { Problem } from '../../domain/problem.ts';
import { readPrefer } from '../../enforce/reply/prefer.ts';
import { about } from './about.ts';
import type { AgentHoldsDeps } from './deps.ts';
import { readHandoff, type HandoffRequest } from './handoff-form.ts';
import { holdView } from './hold-view.ts';

/** How soon people should answer. */
const RESPOND_WITHIN = 4 * 3_600_000;
/** The longest wait for an answer. Some clients and load balancers give up after five minutes. */
const LONGEST_WAIT = 300_000;

/**
 * `POST /-/holds`: an agent asks people for help (an exception), or hands work to another agent or to people (a relay).
 * The response is a handle. With `Prefer: wait=N`, it comes when the hold is settled, or after N seconds.
 */
export function registerOpening(app: FastifyInstance, deps: AgentHoldsDeps): void {
  const { holds, contents, waiters, identify, assertActive, recipients, replyTo, traceId, clock } = deps;

  app.post('/-/holds', async (request, reply) => {
    const principal = identify(request);
    assertActive(principal);
    if (!Buffer.isBuffer(request.body)) throw new Problem('bad-handoff');
    const handoff = readHandoff(request.body, recipients());
    if (handoff.to && 'agent' in handoff.to && handoff.to.agent === principal.agent) {
      throw new Problem('bad-handoff', { detail: 'to.agent: an agent cannot relay to itself. Name another agent.' });
    }
    const opened = await holds.openHandoff({
      ...draft(handoff, principal),
      digest: hash('sha256', JSON.stringify([principal.agent, 'handoff', hash('sha256', request.body)])),
      idempotencyKey: idempotencyKey(request),
      traceId: traceId(request),
    });
    const wait = Math.min(readPrefer(request.headers).wait ?? 0, LONGEST_WAIT);
    const latest = await waiters.wait(opened.hold, wait, { onGone: (leave) => reply.raw.once('close', leave) });
    // A snapshot means that the hold is not settled, so no member that is shown has changed.
    const hold = 'terms' in latest ? latest : opened.hold;
    const answer = hold.status === 'answered' ? await contents.answer(hold.id) : null;
    const view = holdView(hold, answer, clock());
    if ('retry_after' in view) reply.header('retry-after', view.retry_after);
    return about(reply, hold)
      .code(hold.status === 'pending' ? 202 : 200)
      .header('location', replyTo(request, reply).locationOf(hold.id))
      .send(view);
  });
}

function draft(
  { kind, to, form, claims, artifacts, expiresIn }: HandoffRequest,
  principal: Principal,
): Omit<HandoffDraft, 'digest' | 'idempotencyKey' | 'traceId'> {
  return {
    kind,
    principal,
    decisionId: createId('dec'),
    terms: termsFor(to, expiresIn),
    claims,
    to,
    reason: reasonOf(kind, principal.agent, to, artifacts.length),
    form,
    artifacts,
  };
}

/** No rule sets the terms of a hold without a call. Nothing is executed, so the agent's owner may answer it too. */
function termsFor(to: Recipient | null, expiresIn: number): HoldTerms {
  return {
    level: 2,
    requirements: to && 'group' in to ? [{ groups: [to.group], quorum: 1, escalate: [] }] : [],
    expiresIn,
    respondWithin: Math.min(RESPOND_WITHIN, expiresIn),
    onExpiry: 'block',
    editable: [],
    ownerMayApprove: true,
    reversible: null,
  };
}

function reasonOf(kind: HandoffRequest['kind'], agent: string, to: Recipient | null, artifacts: number): string {
  const recipient = to === null ? 'people' : Object.values(to).join();
  if (kind === 'exception') return `${agent} asks ${recipient} for help.`;
  return `${agent} hands work to ${recipient}${artifacts > 0 ? `, with artifacts (${artifacts})` : ''}.`;
}

function idempotencyKey({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  return typeof key === 'string' && key !== '' ? key : null;
}
