import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Reviewer } from '../gateway/domain/principal.ts';
import { createWrongTokens } from '../gateway/domain/wrong-tokens.ts';
import type { AdminDeps } from './deps.ts';
import { AdminProblem } from './api/problems.ts';

const BEARER = /^bearer +([\x21-\x7e]+) *$/i;

const people = new WeakMap<object, Reviewer>();

/**
 * Requires a reviewer's token; agent tokens are unknown here. Checked before the body is read, so that strangers cannot
 * make the gateway read one.
 */
export function requireReviewer(
  app: FastifyInstance,
  { authenticate, clock }: Pick<AdminDeps, 'authenticate' | 'clock'>,
): void {
  const wrongTokens = createWrongTokens(clock);
  app.addHook('onRequest', async (request) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const reviewer = token === undefined ? null : authenticate(token);
    if (!reviewer) {
      const retry_after = token === undefined ? null : wrongTokens.count(request.socket.remoteAddress);
      if (retry_after !== null) throw new AdminProblem('too-many-wrong-tokens', { extras: { retry_after } });
      throw new AdminProblem('unauthenticated');
    }
    people.set(request, reviewer);
  });
}

/** Who sent a request that got past `requireReviewer`. */
export function reviewerOf(request: object): Reviewer {
  const reviewer = people.get(request);
  if (!reviewer) throw new AdminProblem('unauthenticated');
  return reviewer;
}

/**
 * Like `reviewerOf`, and requires a role.
 * @throws AdminProblem `not-permitted`
 */
export function reviewerWithRole(request: object, role: 'reviewer' | 'operator'): Reviewer {
  const reviewer = reviewerOf(request);
  if (!reviewer.roles.includes(role)) {
    throw new AdminProblem('not-permitted', {
      detail: `${reviewer.id} does not have the role ${role}. Ask a person with that role.`,
    });
  }
  return reviewer;
}

/** The reviewer who sent a request, for the log; the request may be unauthenticated. */
export function knownReviewer(request: FastifyRequest): string | null {
  return people.get(request)?.id ?? null;
}
