import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Amendment, AmendRefusal } from '../../gateway/domain/amendment.ts';
import type { Decision } from '../../gateway/domain/decision.ts';
import type { CallHold, HeldCall } from '../../gateway/domain/hold.ts';
import { showInput } from '../../gateway/domain/policy-input.ts';
import type { AdminDeps } from '../deps.ts';
import { holdWriteHeaders, problemResponses } from '../api/schemas.ts';
import { holdParams, preview, type Preview } from '../api/hold-schemas.ts';
import { consequence } from './consequence.ts';
import { editMembers, editProblem, isOneEdit, ONE_EDIT, readEdits, type GivenEdit } from './edit-request.ts';
import type { Giver, HoldRoutesContext } from './hold-routes-context.ts';
import { emptyEdit } from './permissions.ts';
import { refusalProblem } from './refusal.ts';
import { shownBody, shownDifferences } from './shown-differences.ts';
import { readCall, wholeCall } from './whole-call.ts';

const body = z.strictObject(editMembers).refine(isOneEdit, ONE_EDIT).nullish();

type Deps = Pick<AdminDeps, 'contents' | 'transition' | 'amend' | 'demands' | 'clock'>;

/** Tells what an edit would be judged as. It changes and records nothing. */
export function previewRoute(deps: Deps, context: HoldRoutesContext): FastifyPluginAsyncZod {
  const { contents, transition, amend, clock } = deps;
  return async (app) => {
    const editOf = readEdits(app);

    app.post(
      '/holds/:id/preview',
      {
        schema: {
          summary: 'What an edit would be judged as. Nothing is changed or recorded; for people who may edit',
          params: holdParams,
          headers: holdWriteHeaders,
          body,
          response: { 200: preview, ...problemResponses(400, 401, 403, 404, 409, 412, 413, 415, 422, 423, 428, 503) },
        },
      },
      async (request) => {
        const { hold, as } = await context.begin(request);
        const held = await readCall(contents, hold);
        const vote = { ...as, note: null, seenAt: null };
        const foreseen = transition(
          hold,
          held.call && hold.kind === 'approval'
            ? { ...vote, ...emptyEdit(hold, held.call) }
            : { type: 'approve', ...vote, grant: null },
          clock(),
        );
        // Who may not edit learns nothing from policy.
        if ('refused' in foreseen) throw refusalProblem(foreseen);
        const whole = wholeCall(hold, held);
        const given = editOf(request) ?? { edit: {} };
        const amended = await amend(whole.hold, whole.call, given.edit);
        return 'refused' in amended ? refused(deps, whole, amended, given) : edited(deps, whole, amended, as);
      },
    );
  };
}

type Whole = { readonly hold: CallHold; readonly call: HeldCall };

/** The call as it would be with an edit. An edit always needs another person's approval: the machine says so. */
function edited({ transition, demands, clock }: Deps, { hold, call }: Whole, amended: Amendment, as: Giver): Preview {
  const { decision, judgement, digest, envelope } = amended;
  const vote = { ...as, note: null, seenAt: null };
  const change = transition(hold, { type: 'edit', ...vote, call: amended.call, digest, envelope, judgement }, clock());
  if ('refused' in change) throw refusalProblem(change);
  return {
    ...judged(decision),
    body: shownBody(amended.call),
    diff: shownDifferences(call, amended.call, amended.changed),
    consequence: sends(change.hold, demands(change.hold), amended.call),
    somebody_else: change.hold.status === 'pending',
    problem: null,
  };
}

/** An edit that cannot be made: the call stays as it is; or, where policy blocks it, as it would be. */
function refused({ demands }: Deps, { hold, call }: Whole, refusal: AmendRefusal, given: GivenEdit): Preview {
  const { code, message: detail } = editProblem(refusal, hold.id, given);
  if (refusal.refused === 'blocked') {
    const blocked = 'Policy blocks the call with this change, so the change cannot be saved. Nothing is sent.';
    const problem = { code, detail, pointer: null };
    return {
      ...judged(refusal.decision),
      body: shownBody(refusal.call),
      diff: shownDifferences(call, refusal.call, refusal.changed),
      consequence: blocked,
      somebody_else: false,
      problem,
    };
  }
  return {
    verdict: 'hold',
    rules: hold.rules.map(({ id }) => id),
    reasons: hold.rules.flatMap(({ reason }) => reason ?? []),
    body: shownBody(call),
    diff: [],
    consequence: sends(hold, demands(hold), call),
    somebody_else: false,
    problem: { code, detail, pointer: refusal.pointer },
  };
}

function judged({ verdict, rules, reason }: Decision): Pick<Preview, 'verdict' | 'rules' | 'reasons'> {
  const reasons = rules.filter((rule) => rule.verdict === verdict).flatMap((rule) => rule.reason ?? []);
  return { verdict, rules: rules.map(({ id }) => id), reasons: reasons.length > 0 ? reasons : [reason] };
}

function sends(hold: Parameters<typeof consequence>[0], demands: ReturnType<Deps['demands']>, call: HeldCall): string {
  const url = hold.kind === 'approval' ? `/${hold.system}${call.target}` : '';
  const { tool } = showInput(call.input).action;
  return consequence(hold, demands, { url, bytes: call.body.length, tool });
}
