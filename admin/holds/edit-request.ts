import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { AmendRefusal } from '../../gateway/domain/amendment.ts';
import { JsonPatch } from '../../gateway/json/json-patch.ts';
import { AdminProblem, invalidMember } from '../api/problems.ts';
import { exactBodies } from './exact-bodies.ts';

/** The members of a request that edits a held call; at most one of them. */
export const editMembers = {
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
};

type EditRequest = { readonly edit?: unknown; readonly patch?: unknown };

export const isOneEdit = ({ edit, patch }: EditRequest) => edit === undefined || patch === undefined;
export const ONE_EDIT = { path: ['patch'], error: 'expected either edit or patch' };

/** A merge patch or a `JsonPatch`. */
export type GivenEdit = { readonly edit: unknown };

/**
 * Reads the edits that requests to these routes carry.
 * @returns the edit of a request; null when it has none
 */
export function readEdits(app: Parameters<FastifyPluginAsyncZod>[0]): (request: FastifyRequest) => GivenEdit | null {
  const { parse, keep, read } = exactBodies(app);
  app.addContentTypeParser('application/json-patch+json', { parseAs: 'string' }, (request, text, done) => {
    void parse(request, text as string, (error, patch) => {
      // The text is one JSON value by now, so nothing in it can end the member.
      if (!error) keep(request, `{"patch":${text as string}}`);
      done(error, { patch });
    });
  });
  return (request) => {
    const { edit, patch } = read(request) as EditRequest;
    if (patch !== undefined) return { edit: new JsonPatch(patch) };
    return edit === undefined ? null : { edit };
  };
}

/** Why an edit cannot be made, for the person who made it. */
export function editProblem(refusal: AmendRefusal, hold_id: string, { edit }: GivenEdit): AdminProblem {
  const { refused, detail } = refusal;
  if (refused === 'invalid')
    return invalidMember('body', edit instanceof JsonPatch ? '/patch' : `/edit${refusal.pointer ?? ''}`, detail);
  return new AdminProblem('edit-blocked', {
    detail: `${detail.replace(/\.?$/, '.')} Nothing was changed. Change the edit, or reject the call.`,
    extras: { hold_id },
  });
}
