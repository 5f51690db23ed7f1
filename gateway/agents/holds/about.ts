import type { FastifyReply } from 'fastify';
import type { Hold } from '../../domain/hold.ts';

/** Names the decision that an answer is about. */
export function about(reply: FastifyReply, { decisionId }: Pick<Hold, 'decisionId'>): FastifyReply {
  return reply.header('holdpoint-decision', decisionId).header('holdpoint-verdict', 'hold');
}
