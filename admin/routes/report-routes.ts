import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { reportCsv } from '../report-csv.ts';
import { CALL_COLUMNS, UNITS, type Reports } from '../../gateway/domain/report.ts';
import { name, pageOf, problemResponses } from '../api/schemas.ts';
import { runReport } from '../run-report.ts';

const names = z.array(z.string()).readonly();
const parameter = z.object({
  name: z.string(),
  type: z.enum(['time', 'count', 'share', 'duration', 'step', 'text', 'choice']),
  default: z.string().describe('As a person would write it.'),
  about: z.string(),
  of: names.optional().describe('The allowed values of a choice.'),
});
const chart = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('table') }),
  z.object({ kind: z.literal('bar'), label: names, value: z.string() }),
  z.object({ kind: z.literal('line'), x: z.string(), y: names }),
  z.object({ kind: z.literal('heat'), x: z.string(), y: z.string(), value: z.string() }),
]);
const column = z.object({
  name: z.string(),
  unit: z.enum(UNITS).describe('`cost`: in the unit that `cost_unit` of the row names; `share`: 0 to 1.'),
  about: z.string(),
});

const header = z.object({
  name: z.string(),
  title: z.string(),
  question: z.string(),
  act: z.string().describe('What to do about the result.'),
  finding: z.string().nullable().describe('What the first row says; `{column}` stands for a value.'),
  attention: z
    .string()
    .nullable()
    .describe('A row in which this column has something, more than nothing or "no", needs people.'),
  calls: z
    .object({ by: z.array(z.enum(CALL_COLUMNS)).readonly(), verdict: z.enum(['allow', 'hold', 'block']).optional() })
    .nullable()
    .describe('Which calls are behind a row: `GET /api/calls` with these of its columns, and the verdict.'),
  chart: chart.describe('The suggested chart; members name columns.'),
  parameters: z.array(parameter).readonly(),
  columns: z.array(column).readonly(),
});
const result = header.extend({
  parameters: z
    .array(
      parameter.extend({
        value: z
          .union([z.string(), z.number()])
          .describe('The values used: times in RFC 3339, durations in milliseconds, steps in seconds.'),
      }),
    )
    .readonly(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null(), names]))).readonly(),
  statistics: z.object({
    elapsed: z.number().describe('Query time in ClickHouse, in seconds.'),
    rows_read: z.number(),
    bytes_read: z.number(),
  }),
});

export type ReportHeader = z.output<typeof header>;
export type Report = z.output<typeof result>;

const text = z.string({ error: 'expected it once' }).max(500);
const query = z
  .object({
    from: text.optional().describe('A time such as 2026-01-01, or a duration before `to`, such as 30d.'),
    to: text.optional().describe('A time, or a duration before now; defaults to now. Exclusive.'),
    format: z
      .enum(['json', 'csv'])
      .default('json')
      .describe('csv: RFC 4180; text that a spreadsheet would read as a formula is prefixed with an apostrophe.'),
  })
  .catchall(text)
  .describe('And the parameters of the report.');

/** The named reports, for every signed-in person: analysts, operators and reviewers. Read-only. */
export function reportRoutes(reports: Reports): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/reports',
      {
        schema: {
          summary: 'All reports, each with its question, parameters and columns',
          response: { 200: pageOf(header), ...problemResponses(401) },
        },
      },
      async () => ({ items: [...reports.list()], next: null }),
    );

    app.get(
      '/reports/:name',
      {
        schema: {
          summary: 'A report over a period',
          params: z.object({ name }),
          querystring: query,
          response: { 200: result, ...problemResponses(401, 404, 422, 503) },
        },
      },
      async (request, reply) => {
        const { format, ...given } = request.query;
        const values = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
        const answer = await runReport(reports, request.params.name, Object.fromEntries(values));
        if (format === 'json') return answer;
        void reply.header('content-disposition', `attachment; filename="${answer.name}.csv"`);
        void reply.type('text/csv; charset=utf-8; header=present').serializer((csv: string) => csv);
        // The schema describes JSON; the client asked for CSV.
        return reply.send(reportCsv(answer) as never);
      },
    );
  };
}
