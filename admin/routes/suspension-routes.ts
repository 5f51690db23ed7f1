import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { reviewerWithRole } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem } from '../api/problems.ts';
import { noBody, NOTE_LENGTH, pageOf, problemResponses, time, writeHeaders } from '../api/schemas.ts';
import { iso } from '../../gateway/domain/time.ts';
import type { DayUsage } from '../../gateway/domain/usage.ts';

const suspension = z
  .object({ by: z.string(), at: time, reason: z.string().nullable() })
  .nullable()
  .describe('Null when not suspended.');
const agent = z.object({
  id: z.string(),
  owner: z.string(),
  roles: z.array(z.string()),
  systems: z.array(z.string()),
  suspended: suspension,
  day_usage: z
    .object({
      calls: z.number().int(),
      costs: z.array(z.object({ unit: z.string(), amount: z.number() })),
    })
    .nullable()
    .describe(
      'What budgets count of it within the last 24 hours, as `input.usage.agent.day`; their limits are in the rules. Null while no rule reads `input.usage`.',
    ),
});
const system = z.object({ id: z.string().describe('The name of the system.'), suspended: suspension });
export type Agent = z.output<typeof agent>;
export type System = z.output<typeof system>;

const params = z.object({ id: z.string().max(500) });
const suspendBody = z.strictObject({ reason: z.string().max(NOTE_LENGTH).optional() }).nullish();
const superseded = z.number().int().describe('Number of pending or approved holds that were superseded.');
const refusals = problemResponses(400, 401, 403, 404, 413, 415, 422, 503);

/** The response view of an agent or a system. */
type Shown = (suspended: z.output<typeof suspension>) => Record<string, unknown>;

/** Agents, systems and their kill switches. A change is answered once every worker of this gateway applies it. */
export function suspensionRoutes(
  deps: Pick<AdminDeps, 'suspensions' | 'agents' | 'systems' | 'dayUsage'>,
): FastifyPluginAsyncZod {
  const agents = (): [string, Shown][] =>
    deps.agents().map(({ id, owner, roles, systems }) => [
      id,
      (suspended): Agent => ({
        id,
        owner,
        roles: [...roles],
        systems: [...systems],
        suspended,
        day_usage: usageShown(deps.dayUsage(id)),
      }),
    ]);
  const systems = (): [string, Shown][] => deps.systems().map((id) => [id, (suspended): System => ({ id, suspended })]);
  return async (app) => {
    await app.register(killSwitch(deps.suspensions, 'agent', agent, agents));
    await app.register(killSwitch(deps.suspensions, 'system', system, systems));
  };
}

function usageShown(usage: DayUsage | null): Agent['day_usage'] {
  if (!usage) return null;
  const costs = Object.entries(usage.cost).map(([unit, amount]) => ({ unit, amount }));
  return { calls: usage.calls, costs };
}

function killSwitch(
  suspensions: AdminDeps['suspensions'],
  kind: 'agent' | 'system',
  schema: z.ZodObject,
  configured: () => readonly [string, Shown][],
): FastifyPluginAsyncZod {
  async function states(): Promise<(id: string) => z.output<typeof suspension>> {
    const all = (await suspensions.list()).filter((one) => one.kind === kind);
    return (id) => {
      const found = all.find(({ name }) => name === id);
      return found ? { by: found.by, at: iso(found.at), reason: found.reason } : null;
    };
  }

  function find(id: string): Shown {
    const shown = new Map(configured()).get(id);
    if (!shown) throw new AdminProblem('not-found', { detail: `The configuration has no ${kind} of that name.` });
    return shown;
  }

  async function show(id: string): Promise<Record<string, unknown>> {
    return find(id)((await states())(id));
  }

  return async (app) => {
    app.get(
      `/${kind}s`,
      {
        schema: {
          summary: `The configured ${kind}s`,
          response: { 200: pageOf(schema), ...problemResponses(401, 503) },
        },
      },
      async () => {
        const suspended = await states();
        return { items: configured().map(([id, show]) => show(suspended(id))), next: null };
      },
    );

    app.post(
      `/${kind}s/:id/suspend`,
      {
        schema: {
          summary: `Refuses calls of this ${kind} at once, and supersedes its open holds. For operators`,
          params,
          headers: writeHeaders,
          body: suspendBody,
          response: { 200: schema.extend({ superseded }), ...refusals },
        },
      },
      async (request) => {
        const by = reviewerWithRole(request, 'operator').id;
        const { id } = request.params;
        find(id);
        const reason = request.body?.reason || null;
        const channel = request.headers['holdpoint-channel'];
        const { superseded } = await suspensions.suspend({ kind, name: id, by, channel, reason });
        return { ...(await show(id)), superseded };
      },
    );

    app.post(
      `/${kind}s/:id/resume`,
      {
        schema: {
          summary: `Resumes this ${kind}; policy applies as usual. For operators`,
          params,
          headers: writeHeaders,
          body: noBody,
          response: { 200: schema, ...refusals },
        },
      },
      async (request) => {
        const by = reviewerWithRole(request, 'operator').id;
        const { id } = request.params;
        find(id);
        // Resuming what is not suspended changes nothing.
        await suspensions.resume(kind, id, by, request.headers['holdpoint-channel']);
        return await show(id);
      },
    );
  };
}
