import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AdminDeps } from '../deps.ts';
import { invalidMember } from '../api/problems.ts';
import { note } from '../api/schemas.ts';
import { exactBodies } from './exact-bodies.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { assertGroups } from './groups.ts';
import { rejectCode } from '../api/hold-schemas.ts';
import { writing } from './writing.ts';

const answerBody = z
  .strictObject({
    // As long as an agent may make it.
    option: z
      .string()
      .min(1)
      .optional()
      .describe('One of those offered; escalate_to_<group> passes the matter on instead.'),
    data: z.unknown().optional().describe('Anything else that the agent asked for.'),
    note: note.optional(),
  })
  .refine(({ option, data, note }) => option !== undefined || data !== undefined || note, {
    error: 'expected an option, data or a note',
  });
const acceptBody = z.strictObject({ note: note.optional() }).nullish();
const returnBody = z.strictObject({ code: rejectCode, note: note.optional() });

const ESCALATE_TO = 'escalate_to_';

type Deps = Pick<AdminDeps, 'contents' | 'people'>;

/** Answers to agents that ask for help, and what becomes of work that is handed on. */
export function handoffRoutes({ contents, people }: Deps, context: HoldRoutesContext): FastifyPluginAsyncZod {
  return async (app) => {
    const { read } = exactBodies(app);
    app.post(
      '/holds/:id/answer',
      writing('Answers an exception; the agent reads option, data and note', answerBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const { option = null } = request.body;
        const { data = null } = read(request) as { readonly data?: unknown };
        const note = request.body.note || null;
        if (option?.startsWith(ESCALATE_TO)) {
          const to = [option.slice(ESCALATE_TO.length)];
          assertGroups(people(), to, () => '/option');
          return await context.carryOut(hold, { type: 'escalate', ...as, to, note }, request, reply);
        }
        const command = { type: 'answer', ...as, answer: { option, data }, note } as const;
        // That it is answered, or not theirs to answer, is the better answer of the two.
        await context.foresee(hold, command);
        const offered = ((await contents.handoff(hold.id))?.options ?? []).map(optionName);
        if (option !== null && !offered.includes(option)) {
          const named = offered.join(', ') || 'none; answer with data or a note';
          throw invalidMember('body', '/option', `expected one of the options offered: ${named}.`);
        }
        return await context.carryOut(hold, command, request, reply);
      },
    );

    app.post('/holds/:id/accept', writing('Takes work on that was handed over', acceptBody), async (request, reply) => {
      const { hold, as } = await context.begin(request);
      return await context.carryOut(hold, { type: 'accept', ...as, note: request.body?.note || null }, request, reply);
    });

    app.post(
      '/holds/:id/return',
      writing('Gives work back; the agent reads code and note', returnBody),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const { code, note } = request.body;
        return await context.carryOut(hold, { type: 'return', ...as, code, note: note || null }, request, reply);
      },
    );
  };
}

/** What an option is called: agents send texts, or objects with an id. */
function optionName(option: unknown): string {
  if (typeof option === 'string') return option;
  const id = (option as { readonly id?: unknown } | null)?.id;
  return typeof id === 'string' ? id : JSON.stringify(option);
}
