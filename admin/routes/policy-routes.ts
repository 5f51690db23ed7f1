import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Policy } from '../deps.ts';
import { iso, isoOrNull } from '../../gateway/domain/time.ts';
import { parseExactly } from '../../gateway/json/exact-json.ts';
import { AdminProblem } from '../api/problems.ts';
import * as schemas from '../api/schemas.ts';

/** The policy in force, and dry runs of it. */
export function policyRoutes(policy: Policy): FastifyPluginAsyncZod {
  return async (app) => {
    // As calls are judged: a number keeps every digit.
    app.removeContentTypeParser('application/json');
    app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, body: string) => {
      try {
        return parseExactly(body);
      } catch {
        throw new AdminProblem('bad-request', { detail: 'The body is not JSON. Nothing was changed.' });
      }
    });

    app.get(
      '/policy',
      {
        schema: {
          summary: 'The policy in force, and why the newest change is not',
          response: { 200: schemas.policyStatus, ...schemas.problemResponses(401) },
        },
      },
      async () => {
        const { revision, activatedAt, rules, sources, refused } = policy.status();
        return {
          revision,
          activated_at: isoOrNull(activatedAt),
          rules: [...rules],
          sources: sources.map(({ package: name, rule, verdict, file, line }) => {
            return { package: name, rule, verdict, file, line };
          }),
          refused: refused && { at: iso(refused.at), reason: refused.reason },
        };
      },
    );

    app.post(
      '/policy/evaluate',
      {
        schema: {
          summary: 'Evaluates the policy in force on an input, as a dry run. Nothing is recorded or sent',
          body: schemas.evaluateBody,
          response: { 200: schemas.evaluation, ...schemas.problemResponses(400, 401, 413, 415, 422, 503) },
        },
      },
      async ({ body }) => {
        const { revision } = policy.status();
        try {
          return { revision, decision: await policy.evaluate(body.input) };
        } catch (cause) {
          throw new AdminProblem('policy-failed', { cause });
        }
      },
    );
  };
}
