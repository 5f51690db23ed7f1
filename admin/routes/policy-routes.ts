import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AdminDeps } from '../deps.ts';
import { iso, isoOrNull } from '../../gateway/domain/time.ts';
import { parseExactly } from '../../gateway/json/exact-json.ts';
import { AdminProblem } from '../api/problems.ts';
import * as schemas from '../api/schemas.ts';
import { periodOf, runReport } from '../run-report.ts';

/** Bytes of a request for a dry run: a recorded input has up to 64 Ki characters. */
const EVALUATION_LIMIT = 256 * 1024;

/** The policy in force, how often its rules match, and dry runs of it. */
export function policyRoutes({ policy, reports }: Pick<AdminDeps, 'policy' | 'reports'>): FastifyPluginAsyncZod {
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

    app.get(
      '/policy/hits',
      {
        schema: {
          summary: 'How often each rule matched in a period, as the report rule-hits counts it',
          querystring: z.strictObject({ period: schemas.period }),
          response: { 200: schemas.ruleHits, ...schemas.problemResponses(401, 422, 503) },
        },
      },
      async ({ query }) => {
        const result = await runReport(reports, 'rule-hits', { from: query.period });
        const items = result.rows.map((row) => ({
          rule: String(row['rule']),
          verdict: String(row['verdict']),
          hits: Number(row['hits']),
          agents: Number(row['agents']),
          levels: (row['levels'] as readonly string[]).map(Number),
          last_at: String(row['last_at']),
        }));
        return { ...periodOf(result), items };
      },
    );

    app.post(
      '/policy/evaluate',
      {
        bodyLimit: EVALUATION_LIMIT,
        schema: {
          summary: 'Evaluates the policy in force on an input, as a dry run. Nothing is recorded or sent',
          body: schemas.evaluateBody,
          response: { 200: schemas.evaluation, ...schemas.problemResponses(400, 401, 413, 415, 422, 503) },
        },
      },
      async ({ body }) => {
        const errors = policy.misfits(body.input).map(({ pointer, expected }) => {
          return { in: 'body', pointer: `/input${pointer}`, detail: expected };
        });
        if (errors.length > 0) {
          const told = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ');
          throw new AdminProblem('invalid', { detail: `${told}. Nothing was evaluated.`, extras: { errors } });
        }
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
