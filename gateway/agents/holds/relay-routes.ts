import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { artifactsOf, recipientOf, REJECT_CODES, type Hold } from '../../domain/hold.ts';
import { isRefusal, type HoldCommand } from '../../domain/hold-command.ts';
import { Problem } from '../../domain/problem.ts';
import { about } from './about.ts';
import { attachment } from '../../domain/attachment.ts';
import type { AgentHoldsDeps } from './deps.ts';
import { isLeased, relayView } from './hold-view.ts';

const NOTE_LENGTH = 4_000;
const PAGE = 50;

type HoldParams = { Params: { id: string } };
type ArtifactParams = { Params: { id: string; name: string } };
type Inbox = { Querystring: { to?: string; status?: string; cursor?: string } };

const note = z.string().max(NOTE_LENGTH).optional();
const accepting = z.strictObject({ note });
const returning = z.strictObject({ code: z.enum(REJECT_CODES), note });
const status = z.enum(['pending', 'accepted', 'returned', 'expired', 'cancelled', 'superseded']);

/** Relays: work that one agent hands to another. */
export function registerRelays(app: FastifyInstance, deps: AgentHoldsDeps): void {
  const { holds, contents, identify, assertActive, clock } = deps;

  app.get<Inbox>('/-/holds', async (request, reply) => {
    const { agent } = identify(request);
    const { to, cursor, status: wanted } = request.query;
    const known = status.optional().safeParse(wanted);
    if (to !== 'me' || !known.success) {
      const detail = `Send ?to=me, and optionally status (${status.options.join(', ')}) and cursor.`;
      throw new Problem('bad-request', { detail });
    }
    const { items, next } = await holds.list({
      kind: 'relay',
      toAgent: agent,
      limit: PAGE,
      ...(known.data && { status: known.data }),
      ...(cursor && { cursor }),
    });
    return reply.send({ items: items.map((hold) => relayView(hold, clock())), next });
  });

  /** The relay, if it was sent to the calling agent. Its sender gets `not-yours`, any other agent `not-found`. */
  async function sent(request: FastifyRequest<HoldParams>): Promise<{ hold: Hold; agent: string }> {
    const { agent } = identify(request);
    const hold = await holds.find(request.params.id);
    if (hold && isFor(hold, agent)) return { hold, agent };
    if (hold?.principal.agent === agent) throw new Problem('not-yours', { extras: { hold_id: hold.id } });
    throw new Problem('not-found');
  }

  async function carryOut(
    request: FastifyRequest<HoldParams>,
    command: (as: {
      by: { agent: string };
      channel: 'agent';
      revision: number;
    }) => Extract<HoldCommand, { type: 'claim' | 'unclaim' | 'accept' | 'return' }>,
  ): Promise<Hold> {
    assertActive(identify(request));
    const { hold, agent } = await sent(request);
    const as = { by: { agent }, channel: 'agent', revision: hold.revision } as const;
    const result = await holds.apply(hold.id, command(as));
    if (!isRefusal(result)) return result;
    const { refused, detail } = result;
    const code = refused === 'leased' ? 'taken-by-another' : refused === 'forbidden' ? 'not-yours' : 'hold-settled';
    throw new Problem(code, { detail, extras: { hold_id: hold.id } });
  }

  app.post<HoldParams>('/-/holds/:id/claim', async (request, reply) => {
    const hold = await carryOut(request, (as) => ({ type: 'claim', ...as }));
    return about(reply, hold).send(relayView(hold, clock()));
  });

  app.delete<HoldParams>('/-/holds/:id/claim', async (request, reply) => {
    const hold = await carryOut(request, (as) => ({ type: 'unclaim', ...as }));
    return about(reply, hold).send(relayView(hold, clock()));
  });

  app.post<HoldParams>('/-/holds/:id/accept', async (request, reply) => {
    const { note = null } = read(accepting, request.body);
    const hold = await carryOut(request, (as) => ({ type: 'accept', ...as, note }));
    return about(reply, hold).send(relayView(hold, clock()));
  });

  app.post<HoldParams>('/-/holds/:id/return', async (request, reply) => {
    const { code, note = null } = read(returning, request.body);
    const hold = await carryOut(request, (as) => ({ type: 'return', ...as, code, note }));
    return about(reply, hold).send(relayView(hold, clock()));
  });

  /** The relay, if the calling agent has claimed it (and the claim is in force) or accepted it. */
  async function taken(request: FastifyRequest<HoldParams>): Promise<Hold> {
    const { hold, agent } = await sent(request);
    if (hold.status === 'accepted' && hold.decidedBy === agent) return hold;
    const leased = isLeased(hold, clock());
    if (leased && hold.lease?.by === agent) return hold;
    throw new Problem(leased ? 'taken-by-another' : 'not-yours', {
      ...(!leased && { detail: 'Claim or accept the relay first. A returned or ended relay has no artifacts.' }),
      extras: { hold_id: hold.id },
    });
  }

  app.get<HoldParams>('/-/holds/:id/artifacts', async (request, reply) => {
    const hold = await taken(request);
    return about(reply, hold).send({ items: artifactsOf(hold), next: null });
  });

  app.get<ArtifactParams>('/-/holds/:id/artifacts/:name', async (request, reply) => {
    const hold = await taken(request);
    const known = artifactsOf(hold).some(({ name }) => name === request.params.name);
    const artifact = known ? await contents.artifact(hold.id, request.params.name) : null;
    if (!artifact) throw new Problem('not-found');
    return about(reply, hold)
      .type(artifact.type)
      .header('content-disposition', attachment(artifact.name))
      .header('x-content-type-options', 'nosniff')
      .header('repr-digest', `sha-256=:${Buffer.from(artifact.sha256, 'hex').toString('base64')}:`)
      .send(artifact.content);
  });
}

/** Whether a relay was sent to this agent. */
export function isFor(hold: Hold, agent: string): boolean {
  const to = recipientOf(hold);
  return hold.kind === 'relay' && to !== null && 'agent' in to && to.agent === agent;
}

function read<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  let json: unknown;
  try {
    json = Buffer.isBuffer(body) && body.length > 0 ? JSON.parse(body.toString('utf8')) : {};
  } catch {
    throw new Problem('bad-handoff', { detail: 'The body is not JSON. Correct it and send it again.' });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'too_big') {
    throw new Problem('handoff-too-large', { detail: `Send a note of at most ${NOTE_LENGTH} characters.` });
  }
  throw new Problem('bad-handoff', { detail: `${issue?.path.join('.') || 'the body'}: ${issue?.message}.` });
}
