import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Reviewer } from '../gateway/domain/principal.ts';
import type { Session } from '../gateway/domain/session.ts';
import { createWrongTokens } from '../gateway/domain/wrong-tokens.ts';
import type { AdminDeps } from './deps.ts';
import { AdminProblem } from './api/problems.ts';
import { sessionSecret } from './sign-in/cookie.ts';
import { assertOwnOrigin } from './sign-in/own-origin.ts';

const BEARER = /^bearer +([\x21-\x7e]+) *$/i;
const SAFE = new Set(['GET', 'HEAD']);

/** Who sends a request: a person, in a session of the console or, where that is null, with a bearer token. */
export type Caller = { readonly reviewer: Reviewer; readonly session: Session | null };

type Deps = Pick<AdminDeps, 'authenticate' | 'sessions' | 'people' | 'tokenHashes' | 'consoleUrl' | 'clock'>;

const callers = new WeakMap<object, Caller>();

/**
 * Requires a reviewer's token or a session; agent tokens are unknown here. Checked before the body is read, so that
 * strangers cannot make the gateway read one. A browser adds the cookie of a session by itself, so a write with it has to
 * come from the console (cross-site request forgery), whose channel is on record.
 */
export function requireReviewer(app: FastifyInstance, deps: Deps): void {
  const wrongTokens = createWrongTokens(deps.clock);
  app.addHook('onRequest', async (request) => {
    const found = await identify(request, deps);
    if (!found) {
      const hasCredential = tokenOf(request) !== undefined || sessionSecret(request) !== undefined;
      const retry_after = hasCredential ? wrongTokens.count(request.socket.remoteAddress) : null;
      if (retry_after !== null) throw new AdminProblem('too-many-wrong-tokens', { extras: { retry_after } });
      throw new AdminProblem('unauthenticated');
    }
    if (found.session) {
      if (!SAFE.has(request.method)) assertOwnOrigin(request.headers, deps.consoleUrl());
      request.headers['holdpoint-channel'] = 'console';
    }
    callers.set(request, found);
  });
}

/** Who sends the request, as things stand now: null once the token or the session has ended. */
export async function identify(request: FastifyRequest, deps: Deps): Promise<Caller | null> {
  const { authenticate, sessions, people, tokenHashes } = deps;
  // A client that names a token means it, whatever cookie its browser adds.
  if (request.headers.authorization !== undefined) {
    const token = tokenOf(request);
    const reviewer = token === undefined ? null : authenticate(token);
    return reviewer && { reviewer, session: null };
  }
  const secret = sessionSecret(request);
  const session = secret === undefined ? null : await sessions.find(secret);
  if (!session || !tokenHashes(session.reviewer).includes(session.tokenHash)) return null;
  const reviewer = people().find(({ id }) => id === session.reviewer);
  return reviewer ? { reviewer, session } : null;
}

function tokenOf({ headers }: FastifyRequest): string | undefined {
  return BEARER.exec(headers.authorization ?? '')?.[1];
}

/** Notes who has signed in with this request, for the log. */
export function noteSignIn(request: object, found: Caller): void {
  callers.set(request, found);
}

/** Who sent a request that got past `requireReviewer`. */
export function callerOf(request: object): Caller {
  const found = callers.get(request);
  if (!found) throw new AdminProblem('unauthenticated');
  return found;
}

/** The person who sent a request that got past `requireReviewer`. */
export function reviewerOf(request: object): Reviewer {
  return callerOf(request).reviewer;
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
  return callers.get(request)?.reviewer.id ?? null;
}
