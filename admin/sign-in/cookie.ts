import type { FastifyReply, FastifyRequest } from 'fastify';
import { SESSION_LIFE } from '../../gateway/domain/session.ts';

const NAME = 'holdpoint_session';

/** `Strict`: a browser does not send it with any request that another site begins (RFC 6265bis, section 5.2). */
const ATTRIBUTES = { path: '/', httpOnly: true, sameSite: 'strict' } as const;

/** What the browser sent; undefined without a cookie. */
export function sessionSecret(request: FastifyRequest): string | undefined {
  return request.cookies[NAME];
}

/** @param secure whether the browser uses https: the cookie is then never sent without it */
export function keepSession(reply: FastifyReply, secret: string, secure: boolean): void {
  void reply.setCookie(NAME, secret, { ...ATTRIBUTES, secure, maxAge: SESSION_LIFE / 1000 });
}

export function dropSession(reply: FastifyReply): void {
  void reply.clearCookie(NAME, ATTRIBUTES);
}
