import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AmendRefusal } from '../../gateway/domain/amendment.ts';
import { JsonPatch } from '../../gateway/json/json-patch.ts';
import { parseExactly } from '../../gateway/json/exact-json.ts';
import { MOST_USES } from '../../gateway/domain/grant.ts';
import { isInBody, type Openable } from '../../gateway/domain/open-place.ts';
import type { GrantTerms } from '../../gateway/domain/grant.ts';
import { duration } from '../../gateway/domain/units.ts';
import type { AdminDeps } from '../deps.ts';
import { AdminProblem, invalidMember } from '../api/problems.ts';
import { moment, note } from '../api/schemas.ts';
import { viewCall } from './body-view.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { emptyEdit } from './permissions.ts';
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
    edit: z
      .unknown()
      .optional()
      .describe(
        'A merge patch (RFC 7396) over the body as policy sees it: null deletes. The edited call is judged again.',
      ),
    patch: z
      .array(z.unknown())
      .min(1)
      .optional()
      .describe(
        'Instead of `edit`: a JSON Patch (RFC 6902). It can set null. Also as the whole body, application/json-patch+json.',
      ),
    grant: grantBody
      .optional()
      .describe('Approves further calls like this one too; never those of irreversible effect.'),
  })
  .refine((approval) => approval.edit === undefined || approval.patch === undefined, {
    path: ['patch'],
    error: 'expected either edit or patch',
  })
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
    const texts = keepTexts(app);

    app.post(
      '/holds/:id/approve',
      writing('Approves the revision that If-Match names, or changes it and approves the change', body),
      async (request, reply) => {
        const { hold, as } = await context.begin(request);
        const [call, original] = await Promise.all([
          contents.call(hold.id, hold.revision),
          hold.editors.length > 0 ? contents.call(hold.id, 1) : null,
        ]);
        const vote = { ...as, note: request.body?.note || null, seenAt: context.seenAt(hold, as.by) };
        const isPatch = request.body?.patch !== undefined;
        const isEdit = isPatch || request.body?.edit !== undefined;
        const approve = { type: 'approve', ...vote, grant: grantTerms(request.body?.grant, clock()) } as const;

        // The machine first: that it is decided, or not theirs to decide, is the better answer of the two.
        await context.foresee(
          hold,
          isEdit && call && hold.kind === 'approval' ? { ...vote, ...emptyEdit(hold, call) } : approve,
        );
        const { complete, missing } = viewCall(hold, call, original);
        if (!call || !complete || hold.kind !== 'approval') {
          throw new AdminProblem('incomplete', {
            detail: `${missing} A call that cannot be displayed in full cannot be approved. Reject it instead.`,
            extras: { hold_id: hold.id },
          });
        }
        const pinned = notOpenable(approve.grant, openables(hold, call));
        if (pinned !== undefined) {
          const detail = `expected places in \`openable\`; this call has no such place that could stay open: ${pinned}`;
          throw invalidMember('body', '/grant/open', detail);
        }
        if (!isEdit) return await context.carryOut(hold, approve, request, reply);

        const text = texts.get(request) ?? '{}';
        const exact = parseExactly(text) as { readonly edit?: unknown; readonly patch?: unknown };
        const amended = await amend(hold, call, isPatch ? new JsonPatch(exact.patch) : exact.edit);
        if ('refused' in amended) throw editProblem(amended, hold.id, isPatch);
        return await context.carryOut(hold, { type: 'edit', ...vote, ...amended }, request, reply);
      },
    );
  };
}

/** Keeps each body's text, because JavaScript's numbers lose digits that an edit may have. */
function keepTexts(app: Parameters<FastifyPluginAsyncZod>[0]): WeakMap<FastifyRequest, string> {
  const texts = new WeakMap<FastifyRequest, string>();
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    texts.set(request, text as string);
    void parse(request, text as string, done);
  });
  app.addContentTypeParser('application/json-patch+json', { parseAs: 'string' }, (request, text, done) => {
    void parse(request, text as string, (error, patch) => {
      // The text is one JSON value by now, so nothing in it can end the member.
      if (!error) texts.set(request, `{"patch":${text as string}}`);
      done(error, { patch });
    });
  });
  return texts;
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

function editProblem({ refused, detail, pointer }: AmendRefusal, hold_id: string, isPatch: boolean): AdminProblem {
  if (refused === 'invalid') return invalidMember('body', isPatch ? '/patch' : `/edit${pointer ?? ''}`, detail);
  return new AdminProblem('edit-blocked', {
    detail: `${detail.replace(/\.?$/, '.')} Nothing was changed. Change the edit, or reject the call.`,
    extras: { hold_id },
  });
}
