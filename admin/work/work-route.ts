import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { iso } from '../../gateway/domain/time.ts';
import { workKey } from '../../gateway/domain/work.ts';
import { invalidMember } from '../api/problems.ts';
import { moment, problemResponses, time } from '../api/schemas.ts';
import type { AdminDeps } from '../deps.ts';
import { createWorkDone, type WorkItemDone } from './work-done.ts';
import type { WorkItemNow, WorkNow } from './work-now.ts';

const DAY = 86_400_000;

const work = z.object({
  at: time,
  since: time.describe('The beginning of the period of `executed`, `failed`, `blocked` and `costs`.'),
  items: z.array(
    z.object({
      owner: z.string(),
      agent: z.string(),
      system: z.string(),
      operation: z.string().describe('Empty while calls still arrive.'),
      in_flight: z.number().int().describe('Calls that this gateway serves now, without those that wait for people.'),
      calls: z
        .array(z.object({ call_id: z.string(), at: time }))
        .describe('The longest-running of those in flight, oldest first: at most five.'),
      held: z.number().int().describe('Calls that wait for people now, at any gateway of the store.'),
      executed: z.number().int().describe('As the report `work-executed` counts them; so are the next two.'),
      failed: z.number().int(),
      blocked: z.number().int(),
      costs: z.array(z.object({ unit: z.string(), amount: z.number() })).describe('As in the report `cost`.'),
    }),
  ),
  missing: z
    .array(z.enum(['in-flight', 'held', 'record']))
    .describe('What could not be read now. Of `in-flight`, a worker did not answer within a second.'),
  is_cut: z.boolean().describe('Whether there is more than is told: 500 kinds of work in flight, 1000 held calls.'),
});
export type Work = z.output<typeof work>;

/** What agents do now and did in a period, by owner, agent, system and operation. */
export function workRoute(
  deps: Pick<AdminDeps, 'reports' | 'log' | 'clock'>,
  workNow: () => Promise<WorkNow>,
): FastifyPluginAsyncZod {
  const workDone = createWorkDone(deps);
  return async (app) => {
    app.get(
      '/work',
      {
        schema: {
          summary: 'Calls in flight, held, executed, failed and blocked, and their cost, by owner, agent and operation',
          querystring: z.strictObject({
            since: moment.optional().describe('The beginning of the period; the last midnight in UTC if absent.'),
          }),
          response: { 200: work, ...problemResponses(401, 422) },
        },
      },
      async ({ query }): Promise<Work> => {
        const { since = Math.floor(deps.clock() / DAY) * DAY } = query;
        if (since > deps.clock()) throw invalidMember('querystring', '/since', 'expected a time that has passed.');
        const [now, done] = await Promise.all([workNow(), workDone(since)]);
        return {
          at: now.at,
          since: iso(since),
          items: together(now.items, done?.items ?? []),
          missing: [...now.missing, ...(done === null ? (['record'] as const) : [])],
          is_cut: now.is_cut || (done?.isCut ?? false),
        };
      },
    );
  };
}

const NOTHING_NOW = { in_flight: 0, held: 0 } as const;
const NOTHING_DONE = { executed: 0, failed: 0, blocked: 0 } as const;

function together(now: readonly WorkItemNow[], done: readonly WorkItemDone[]): Work['items'] {
  const items = new Map<string, Work['items'][number]>();
  for (const item of now) items.set(workKey(item), { ...item, ...NOTHING_DONE, calls: [...item.calls], costs: [] });
  for (const item of done) {
    const known = items.get(workKey(item)) ?? { ...NOTHING_NOW, calls: [] };
    items.set(workKey(item), { ...known, ...item, costs: [...item.costs] });
  }
  return [...items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}
