import { hash } from 'node:crypto';
import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { AdminProblem } from '../api/problems.ts';
import { problemResponses } from '../api/schemas.ts';
import { personOf, signedIn } from '../api/session-schemas.ts';
import { identify, noteSignIn } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { keepSession } from './cookie.ts';
import { assertOwnOrigin } from './own-origin.ts';

/** Wrong tokens and links that an address may send within a minute. */
const MOST_WRONG = 10;
const MINUTE = 60_000;
/** Bytes: strangers send this body. */
const BODY_LIMIT = 4 * 1024;
const LONGEST_AGENT = 200;

const secret = z.string().min(1).max(1_024);
const body = z.union([
  z.strictObject({ token: secret.describe("The reviewer's token.") }),
  z.strictObject({ link: secret.describe('The secret of a one-time link, as `npx holdpoint sign-in` prints it.') }),
]);

type Deps = Pick<
  AdminDeps,
  'authenticate' | 'delegations' | 'sessions' | 'links' | 'people' | 'tokenHashes' | 'consoleUrl' | 'clock'
>;

/** Signs a reviewer in. Every sign-in has a session of its own, and none is taken from the request (session fixation). */
export function signInRoute(deps: Deps): FastifyPluginAsyncZod {
  const { authenticate, delegations, sessions, links, people, tokenHashes, consoleUrl } = deps;

  /** The reviewer, and the token on which the session depends. */
  function proven(given: z.output<typeof body>) {
    if ('token' in given) {
      const reviewer = authenticate(given.token);
      return reviewer && { reviewer, tokenHash: hash('sha256', given.token, 'hex'), link: null };
    }
    const link = links.open(given.link);
    const reviewer = link && people().find(({ id }) => id === link.reviewer);
    const [tokenHash] = reviewer ? tokenHashes(reviewer.id) : [];
    return reviewer && tokenHash !== undefined ? { reviewer, tokenHash, link: link.id } : null;
  }

  return async (app) => {
    await app.register(rateLimit, { global: false });
    const countWrong = app.createRateLimit({ max: MOST_WRONG, timeWindow: MINUTE });

    async function refusal(request: FastifyRequest, given: z.output<typeof body>): Promise<AdminProblem> {
      const counted = await countWrong(request);
      if (!counted.isAllowed && counted.isExceeded)
        return new AdminProblem('too-many-wrong-tokens', { extras: { retry_after: counted.ttlInSeconds } });
      return new AdminProblem('unauthenticated', { detail: 'token' in given ? WRONG_TOKEN : WRONG_LINK });
    }

    app.post(
      '/session',
      {
        bodyLimit: BODY_LIMIT,
        schema: {
          summary: 'Signs in to the console, with a token or a one-time link. Sets the cookie of the session',
          security: [],
          body,
          response: { 201: signedIn, ...problemResponses(400, 401, 403, 413, 415, 422, 429, 503) },
        },
      },
      async (request, reply) => {
        const { origin } = request.headers;
        // A foreign page must not sign its visitor in as somebody else (login cross-site request forgery).
        if (origin !== undefined) assertOwnOrigin(request.headers, consoleUrl());
        const found = proven(request.body);
        const opened =
          found &&
          (await sessions.open({
            reviewer: found.reviewer.id,
            tokenHash: found.tokenHash,
            link: found.link,
            userAgent: (request.headers['user-agent'] ?? '').slice(0, LONGEST_AGENT),
            address: request.ip,
          }));
        if (!opened) throw await refusal(request, request.body);
        const earlier = await identify(request, deps);
        if (earlier?.session) await sessions.end(earlier.session.id, earlier.reviewer.id, 'console');
        noteSignIn(request, { reviewer: found.reviewer, session: opened.session });
        keepSession(reply, opened.secret, origin?.startsWith('https:') ?? false);
        const reviewer = await delegations.standIn(found.reviewer);
        return await reply.code(201).send(personOf({ reviewer, session: opened.session }));
      },
    );
  };
}

const WRONG_TOKEN = 'The token is no reviewer’s. Send the token whose SHA-256 is in the configuration.';
const WRONG_LINK =
  'The link was used before, is older than five minutes, or is for nobody who may sign in. Make a new one: npx holdpoint sign-in --as YOU.';
