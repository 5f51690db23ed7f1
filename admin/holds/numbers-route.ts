import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { rulesOf } from '../../gateway/domain/decision.ts';
import type { Hold } from '../../gateway/domain/hold.ts';
import { showInput } from '../../gateway/domain/policy-input.ts';
import type { NumbersOf, PastDecision } from '../../gateway/domain/review-record.ts';
import { iso } from '../../gateway/domain/time.ts';
import { holdNumbers, holdParams, type HoldNumbers } from '../api/hold-schemas.ts';
import { problemResponses } from '../api/schemas.ts';
import { reviewerOf } from '../authenticate.ts';
import { mayReadContents } from '../contents-access.ts';
import type { AdminDeps } from '../deps.ts';
import { amountOf } from './amount.ts';
import type { HoldRoutesContext } from './hold-routes-context.ts';
import { inTime } from './in-time.ts';

type Deps = Pick<AdminDeps, 'reviews' | 'contents'>;

/** The numbers next to the buttons: how people decided on holds like this one. One query, and only if it is quick. */
export function numbersRoute({ reviews, contents }: Deps, context: HoldRoutesContext): FastifyPluginAsyncZod {
  async function amountOfHold(id: string): Promise<HoldAmount> {
    // It is only good to know, and older calls are no longer kept.
    const call = await contents.call(id).catch(() => null);
    return call && amountOf(showInput(call.input).action.body);
  }

  return async (app) => {
    app.get(
      '/holds/:id/numbers',
      {
        schema: {
          summary: 'How people decided on holds like this one within 30 days',
          params: holdParams,
          response: { 200: holdNumbers, ...problemResponses(401, 404, 503) },
        },
      },
      async (request) => {
        const hold = await context.find(request.params.id);
        const of = likeThis(hold);
        const asked = await inTime((signal) => reviews.numbers(of, signal));
        if ('why' in asked) return { similar: null, agent: null, rule: null, unavailable: asked.why };
        const { similar, agent, rule } = asked.found;
        const mayRead = mayReadContents(reviewerOf(request), hold.principal.owner);
        const amounts = await Promise.all(
          similar.last.map(({ hold }) => (of.system !== '' && mayRead ? amountOfHold(hold) : null)),
        );
        return {
          similar:
            of.system === ''
              ? null
              : { ...similar, note: note(similar), last: similar.last.map((one, at) => shown(one, amounts[at]!)) },
          agent: { decisions: agent.decided, unchanged_rate: share(agent.unchanged, agent.decided) },
          rule:
            of.rule === ''
              ? null
              : { rule: of.rule, hits_30d: rule.hits, approved_rate: share(rule.approved, rule.decided) },
          unavailable: null,
        };
      },
    );
  };
}

type Similar = NonNullable<HoldNumbers['similar']>;
type HoldAmount = Similar['last'][number]['amount'];

/** As the record has it; a hold without a call has no system. */
function likeThis(hold: Hold): NumbersOf {
  const { id, principal } = hold;
  const of = { hold: id, agent: principal.agent };
  if (hold.kind !== 'approval') return { ...of, system: '', operation: '', rule: '' };
  const { operation } = hold.onRecord ?? hold;
  return { ...of, system: hold.system, operation, rule: rulesOf('hold', hold.rules)[0]?.id ?? '' };
}

function note({ decided, unchanged }: Pick<Similar, 'decided' | 'unchanged'>): string {
  if (decided === 0) return 'Nobody has decided on this operation within 30 days.';
  return `${unchanged} of ${decided} decisions on this operation within 30 days approved the call unchanged.`;
}

function shown({ hold, at, by, took, result }: PastDecision, amount: HoldAmount): Similar['last'][number] {
  return { hold_id: hold, at: iso(at), by, amount, took_ms: took, result };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
