import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { Principal } from '../../domain/principal.ts';
import type { Reply } from '../../domain/reply.ts';
import type { Links } from '../../enforce/links/links.ts';
import type { HoldWaiters } from '../../enforce/wait/hold-waiters.ts';
import type { Tellings } from '../../enforce/wait/tellings.ts';
import type { Recipients } from './handoff-form.ts';

/** The parts of the gateway that the agents' hold endpoints use. */
export type AgentHoldsDeps = {
  readonly holds: Pick<HoldStore, 'find' | 'list' | 'apply' | 'openHandoff'>;
  readonly contents: Pick<HoldContents, 'response' | 'handoff' | 'artifact' | 'answer'>;
  readonly waiters: HoldWaiters;
  readonly tellings: Tellings;
  readonly links: Links;
  readonly replyTo: (request: FastifyRequest, reply: FastifyReply) => Reply;
  /** @throws Problem `unauthenticated` */
  readonly identify: (request: FastifyRequest) => Principal;
  /** As `identify`, and by the pass in the URL of the hold. @throws Problem `unauthenticated` */
  readonly identifyReader: (request: FastifyRequest<{ Params: { id: string } }>) => Principal;
  /** @throws Problem `suspended`: a suspended agent may read its own holds, but not act. */
  readonly assertActive: (principal: Principal) => void;
  readonly recipients: () => Recipients;
  readonly traceId: (request: FastifyRequest) => string | null;
  readonly clock: Clock;
};
