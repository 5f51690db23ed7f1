import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Hold } from '../../gateway/domain/hold.ts';
import { isRefusal } from '../../gateway/domain/hold-command.ts';
import type { HoldCommand } from '../../gateway/domain/hold-command.ts';
import { Problem } from '../../gateway/domain/problem.ts';
import { batchResult, rejectCode } from '../api/hold-schemas.ts';
import { AdminProblem } from '../api/problems.ts';
import { note, problemResponses, writeHeaders } from '../api/schemas.ts';
import { reviewerOf } from '../authenticate.ts';
import type { AdminDeps } from '../deps.ts';
import { batchShape } from './batch-shape.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { refusalProblem } from './refusal.ts';
import { readCall, wholeCall } from './whole-call.ts';

const MOST_HOLDS = 100;
/** Milliseconds after which no further hold is decided. */
const LONGEST = 20_000;

const holds = z
  .array(
    z.strictObject({
      hold_id: z.string().max(100),
      revision: z.number().int().min(1).describe('The revision that you read.'),
    }),
  )
  .min(1)
  .max(MOST_HOLDS)
  .refine((all) => new Set(all.map(({ hold_id }) => hold_id)).size === all.length, {
    error: 'expected each hold once',
  });

const body = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('approve'), holds, note: note.optional() }),
  z.strictObject({ action: z.literal('reject'), holds, code: rejectCode, note: note.optional() }),
]);

type Deps = Pick<AdminDeps, 'holds' | 'contents' | 'delegations' | 'transition' | 'log' | 'clock'>;

/**
 * Decides on several holds of one rule and one shape. Each passes every guard by itself and is committed by itself: a
 * crash in the middle leaves each decided or not.
 */
export function batchRoute(deps: Deps, context: HoldRoutesContext): FastifyPluginAsyncZod {
  const { holds, contents, delegations, transition, log, clock } = deps;

  async function decide(hold: Hold, command: HoldCommand): Promise<void> {
    const foreseen = transition(hold, command, clock());
    if ('refused' in foreseen) throw refusalProblem(foreseen);
    if (command.type === 'approve') wholeCall(hold, await readCall(contents, hold));
    const result = await holds.apply(hold.id, command);
    if (isRefusal(result)) throw refusalProblem(result);
  }

  return async (app) => {
    app.post(
      '/holds/batch',
      {
        schema: {
          summary: 'Approves or rejects holds of one `shape`. Each is decided by itself, with an answer of its own',
          headers: writeHeaders,
          body,
          response: { 200: batchResult, ...problemResponses(400, 401, 413, 415, 422, 503) },
        },
      },
      async (request) => {
        const asked = request.body;
        const by = await delegations.standIn(reviewerOf(request));
        const found = await Promise.all(
          asked.holds.map(async ({ hold_id, revision }) => {
            const hold = await context.find(hold_id).catch(asProblem);
            return { hold_id, revision, hold };
          }),
        );
        assertAlike(
          found.flatMap(({ hold, revision }) =>
            !(hold instanceof AdminProblem) && hold.status === 'pending' && hold.revision === revision ? [hold] : [],
          ),
        );

        const as = { by, channel: request.headers['holdpoint-channel'], note: asked.note || null };
        const until = clock() + LONGEST;
        const items: z.output<typeof batchResult>['items'] = [];
        for (const { hold_id, revision, hold } of found) {
          try {
            if (hold instanceof AdminProblem) throw hold;
            if (clock() > until) throw new AdminProblem('unavailable', { detail: TOO_LATE });
            const seenAt = context.seenAt(hold, by);
            const command: HoldCommand =
              asked.action === 'approve'
                ? { type: 'approve', ...as, revision, seenAt, grant: null }
                : { type: 'reject', ...as, revision, code: asked.code };
            await decide(hold, command);
            items.push({ hold_id, done: true, problem: null });
          } catch (error) {
            const problem = asProblem(error);
            if (problem.code === 'internal') log.error({ err: error, hold_id }, 'a hold of a batch failed');
            items.push({ hold_id, done: false, problem: { code: problem.code, detail: problem.message } });
          }
        }
        return { items };
      },
    );
  };
}

const TOO_LATE = `The others took longer than ${LONGEST / 1000} s. Nothing was changed; send it again.`;

/** One hold's failure is its own: what was decided before stays decided, and is told. */
function asProblem(error: unknown): AdminProblem {
  if (error instanceof AdminProblem) return error;
  return new AdminProblem(error instanceof Problem ? 'unavailable' : 'internal', { cause: error });
}

/** @throws AdminProblem `batch-differs` */
function assertAlike(holds: readonly Hold[]): void {
  const shapes = holds.map((hold) => ({ hold, shape: batchShape(hold) }));
  const alone = shapes.find(({ shape }) => shape === null);
  if (alone) {
    const why = 'policy does not declare it reversible, a person must take it over, or its values cannot be compared';
    throw differs(alone.hold, `${alone.hold.id} can only be decided alone: ${why}.`);
  }
  const other = shapes.find(({ shape }) => shape !== shapes[0]!.shape);
  if (other)
    throw differs(other.hold, `${other.hold.id} is held by other rules than ${holds[0]!.id}, or has another shape.`);
}

function differs({ id }: Hold, why: string): AdminProblem {
  return new AdminProblem('batch-differs', { detail: `${why} Nothing was changed.`, extras: { hold_id: id } });
}
