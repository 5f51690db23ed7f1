import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { Problem } from '../../gateway/domain/problem.ts';
import { AdminProblem } from './problems.ts';
import type { Log } from '../deps.ts';

/** The only place that turns an error into a response. An unexpected error is logged, and the client learns no more than its code. */
export function createErrorHandler(log: Log) {
  return async (error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const problem = asProblem(error);
    if (problem.status >= 500)
      log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'a request failed');
    await sendProblem(reply, problem);
  };
}

export async function sendProblem(reply: FastifyReply, problem: AdminProblem): Promise<void> {
  // RFC 9110 section 11.6.1: a 401 names the scheme.
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="holdpoint"');
  const retryAfter = problem.extras.retry_after ?? (problem.status === 503 ? 2 : null);
  if (retryAfter !== null) void reply.header('retry-after', String(retryAfter));
  await reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer((body: string) => body)
    .send(JSON.stringify(problem));
}

function asProblem(error: FastifyError): AdminProblem {
  if (error instanceof AdminProblem) return error;
  if (error instanceof Problem) return new AdminProblem('unavailable', { cause: error });
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error);
  switch (error.statusCode) {
    case 413:
      return new AdminProblem('body-too-large');
    case 415:
      return new AdminProblem('unsupported-media-type');
    case 404:
      return new AdminProblem('not-found');
    default:
      return error.statusCode !== undefined && error.statusCode < 500
        ? new AdminProblem('bad-request', { detail: `${error.message}. Nothing was changed.` })
        : new AdminProblem('internal', { cause: error });
  }
}

type Issue = {
  readonly instancePath: string;
  readonly keyword?: string;
  readonly message?: string;
  readonly params?: { readonly origin?: unknown };
};

function invalid(error: FastifyError): AdminProblem {
  const part = error.validationContext ?? 'body';
  const issues = (error.validation ?? []) as readonly Issue[];
  const errors = issues.map(({ instancePath, message = 'invalid' }) => ({
    in: part,
    pointer: instancePath === '/' ? '' : instancePath,
    detail: message,
  }));
  const told = errors.map(({ pointer, detail }) => `${part}${pointer.replaceAll('/', '.')}: ${detail}`).join('; ');
  const isTooLong = ({ keyword, params }: Issue) => keyword === 'too_big' && params?.origin === 'string';
  const code = part === 'body' && issues.some(isTooLong) ? 'too-long' : 'invalid';
  return new AdminProblem(code, { detail: `${told}. Nothing was changed.`, extras: { errors } });
}
