import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { MOST_USES } from '../../gateway/domain/grant.ts';
import { isInBody, type Openable } from '../../gateway/domain/open-place.ts';
import type { GrantTerms } from '../../gateway/domain/grant.ts';
import { duration } from '../../gateway/domain/units.ts';
import type { AdminDeps } from '../deps.ts';
import { invalidMember } from '../api/problems.ts';
import { moment, note } from '../api/schemas.ts';
import { editMembers, editProblem, isOneEdit, ONE_EDIT, readEdits } from './edit-request.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { emptyEdit } from './permissions.ts';
import { readCall, wholeCall } from './whole-call.ts';
import { writing } from './writing.ts';

const grantBody = z
  .strictObject({
    uses: z.number().int().min(1).max(MOST_USES).describe('How many further calls it covers.'),
    until: moment.optional(),
    for: duration.optional().describe('Instead of `until`: such as 8h.'),
    open: z
      .array(z.string().max(500))
      .max(50)
      .default([])
      .describe('Places that may differ, each of them in `openable` of the hold.'),
  })
  .refine((terms) => (terms.until === undefined) !== (terms.for === undefined), {
    error: 'expected either until or for',
  });

const body = z
  .strictObject({
    note: note.optional(),
    ...editMembers,
    grant: grantBody
      .optional()
      .describe('Approves further calls like this one too; never those of irreversible effect.'),
  })
  .refine(isOneEdit, ONE_EDIT)
  .refine((approval) => (approval.edit ?? approval.patch) === undefined || approval.grant === undefined, {
    path: ['grant'],
    error: 'expected no grant with an edit; approve the edited call with one afterwards',
  })
  .nullish();

type Deps = Pick<AdminDeps, 'contents' | 'amend' | 'openables' | 'clock'>;

/** Approves a call as it is, or changed. */
export function approveRoute(
  { contents, amend, openables, clock }: Deps,
  context: HoldRoutesContext,
): FastifyPluginAsyncZod {
  return async (app) => {
    const editOf = readEdits(app);

    app.post(
      '/holds/:id/approve',
      writing('Approves the revision that If-Match names, or changes it and approves the change', body),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const held = await readCall(contents, hold);
        const vote = { ...as, note: request.body?.note || null, seenAt: context.seenAt(hold, as.by) };
        const given = editOf(request);
        const approve = { type: 'approve', ...vote, grant: grantTerms(request.body?.grant, clock()) } as const;

        // The machine first: that it is decided, or not theirs to decide, is the better answer of the two.
        await context.foresee(
          hold,
          given && held.call && hold.kind === 'approval' ? { ...vote, ...emptyEdit(hold, held.call) } : approve,
        );
        const whole = wholeCall(hold, held);
        const pinned = notOpenable(approve.grant, openables(whole.hold, whole.call));
        if (pinned !== undefined) {
          const detail = `expected places in \`openable\`; this call has no such place that could stay open: ${pinned}`;
          throw invalidMember('body', '/grant/open', detail);
        }
        if (!given) return await context.carryOut(hold, approve, request, reply);

        const amended = await amend(whole.hold, whole.call, given.edit);
        if ('refused' in amended) throw editProblem(amended, hold.id, given);
        const { call, digest, envelope, judgement, changed } = amended;
        const edit = { type: 'edit', ...vote, call, digest, envelope, judgement, changed } as const;
        return await context.carryOut(hold, edit, request, reply);
      },
    );
  };
}

function grantTerms(grant: z.output<typeof grantBody> | undefined, now: number): GrantTerms | null {
  if (!grant) return null;
  const { uses, open } = grant;
  return { uses, open, until: grant.until ?? now + (grant.for ?? 0) };
}

/** A path or a parameter that would stay pinned, although a reviewer means to leave it open. */
function notOpenable(grant: GrantTerms | null, openable: readonly Openable[]): string | undefined {
  return grant?.open.find((place) => !isInBody(place) && !openable.some((known) => known.place === place));
}
