import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { period, problemResponses, time } from '../api/schemas.ts';
import type { AdminDeps } from '../deps.ts';
import { periodOf, runReport } from '../run-report.ts';
import { CLASSES, coverageOf } from './coverage.ts';

const count = z.number().int();

const coverage = z.object({
  from: time,
  to: time,
  operations: z.record(z.enum(CLASSES), count).describe('How many operations are in each class.'),
  calls: z.object({
    all: count,
    looked_at: count.describe('Held for people, or blocked by a rule.'),
    allowed: count.describe('Allowed without review.'),
    unmatched: count.describe('Blocked because no rule matched. The rest of all calls met a policy that failed.'),
  }),
  items: z
    .array(
      z.object({
        system: z.string(),
        operation: z.string(),
        class: z
          .enum(CLASSES)
          .describe(
            '`guarded`: a rule held some of its calls, or blocks and nothing is allowed. `allowed`: allowed without review. `unmatched`: called, and no rule matched. `unseen`: declared, and not called in the period.',
          ),
        calls: count,
        allowed: count,
        held: count,
        blocked: count,
        unmatched: count.describe('Of the blocked ones, those that no rule matched.'),
        looked_at: count,
        agents: count,
        who: z.array(z.string()).readonly().describe('At most ten of the agents that called.'),
        last_at: time.nullable(),
        declared: z
          .enum(['openapi', 'tools'])
          .nullable()
          .describe('Where the system declares it: its OpenAPI document, or its list of MCP tools. Null: nowhere.'),
      }),
    )
    .readonly()
    .describe('The most called operations first.'),
  is_cut: z.boolean().describe('Whether more operations were called than are told.'),
});
export type Coverage = z.output<typeof coverage>;

/** What rules do about each operation: those on record, as the report `coverage` counts them, and those that systems declare. */
export function coverageRoute({
  reports,
  declaredOperations,
}: Pick<AdminDeps, 'reports' | 'declaredOperations'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/coverage',
      {
        schema: {
          summary: 'Operations that rules hold or block, that are allowed without review, unmatched, or never seen',
          querystring: z.strictObject({ period }),
          response: { 200: coverage, ...problemResponses(401, 422, 503) },
        },
      },
      async ({ query }) => {
        const [result, declared] = await Promise.all([
          runReport(reports, 'coverage', { from: query.period }),
          declaredOperations(),
        ]);
        return { ...periodOf(result), ...coverageOf(result.rows, declared) };
      },
    );
  };
}
