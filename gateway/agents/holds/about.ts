import type { FastifyReply } from 'fastify';
import type { Hold } from '../../domain/hold.ts';

/** Names the hold's decision in the answer's headers. */
export function about(reply: FastifyReply, { decisionId }: Pick<Hold, 'decisionId'>): FastifyReply {
  return reply.header('holdpoint-decision', decisionId).header('holdpoint-verdict', 'hold');
}
