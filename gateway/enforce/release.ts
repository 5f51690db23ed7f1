import type { Decision } from '../domain/decision.ts';
import { isRefusal, type HeldCall, type Hold, type HoldCommand, type HoldStore } from '../domain/hold.ts';
import { createId } from '../domain/id.ts';
import type { Principal } from '../domain/principal.ts';
import { Problem } from '../domain/problem.ts';
import { CapturedAnswer } from './captured-answer.ts';
import type { Forwarder } from './forwarder.ts';
import { headerValue } from './headers.ts';
import type { Answer, Delivery } from './upstream.ts';

/** `delivery` is null when nothing was sent by this release: the hold then tells why. */
export type Released = { readonly hold: Hold; readonly delivery: Delivery | null };

/** Hex SHA-256 over who would do what: the thing that an approval binds to. */
export type DigestAction = (
  whose: { readonly principal: Principal; readonly system: string },
  what: Pick<HeldCall, 'method' | 'target' | 'headers' | 'body'>,
) => string;

/**
 * Releases one approved hold and streams its answer to the caller who is attached, if any.
 * @throws Problem when nothing was sent and nothing changed: the policy cannot decide, or the store is damaged
 */
export type Release = (hold: Hold, attached: Answer | null, send?: Forwarder['send']) => Promise<Released>;

/**
 * Releases approved holds, each at most once. The order is what makes a crash harmless: policy decides again, then one
 * compare-and-swap commits the attempt, and only then the first byte goes upstream. A process that dies after the commit
 * leaves a hold in `releasing`, which becomes `indeterminate` and is never sent again by itself.
 */
export function createRelease(deps: {
  readonly store: HoldStore;
  readonly decide: (input: string) => Decision;
  readonly forwarder: Forwarder;
  readonly digest: DigestAction;
  /** Whether the agent still exists and may still call the system. */
  readonly isGranted: (agent: string, system: string) => boolean;
  /** Names this process in the attempt, so that its unfinished attempts can be found when it dies. */
  readonly by: string;
}): Release {
  const { store, decide, forwarder, digest, isGranted, by } = deps;

  async function apply(hold: Hold, command: HoldCommand): Promise<Hold> {
    const result = await store.apply(hold.id, command);
    return isRefusal(result) ? (result.hold ?? hold) : result;
  }

  return async (hold, attached, send = forwarder.send) => {
    const call = await store.call(hold.id);
    // Approval binds to the digest and to nothing else: bytes that do not match it were approved by nobody.
    if (!call || digest(hold, call) !== hold.digest) {
      throw new Problem('internal', { cause: new Error(`what is stored for ${hold.id} is not what was approved`) });
    }

    const decision = decide(call.input);
    if (decision.fault !== null) throw new Problem('policy-unavailable', { cause: new Error(decision.fault) });
    const again = isGranted(hold.principal.agent, hold.system)
      ? asksAgain(hold, decision)
      : ({
          type: 'supersede',
          reason: 'The agent no longer has this system.',
          policyRevision: decision.policyRevision,
        } as const);
    if (again) return { hold: await apply(hold, again), delivery: null };

    const request = forwarder.prepare({ ...call, system: hold.system }, decision);
    const attempt = createId('att');
    if (headerValue(request.headers, 'idempotency-key') === null) request.headers.push('idempotency-key', attempt);
    const command = { type: 'release', attempt, by, policyRevision: decision.policyRevision } as const;
    const releasing = await store.apply(hold.id, command);
    // Somebody else was first: an attached worker, control, or a person who changed the hold meanwhile.
    if (isRefusal(releasing)) return { hold: releasing.hold ?? hold, delivery: null };

    const answer = new CapturedAnswer(attached);
    const delivery = await send(hold.system, request, answer);
    return { hold: await apply(releasing, outcomeOf(attempt, delivery, answer)), delivery };
  };
}

/** The command that the policy now in force gives instead of a release; null when the approval still holds. */
function asksAgain(hold: Hold, decision: Decision): HoldCommand | null {
  const { verdict, rules, reason, terms, policyRevision } = decision;
  if (verdict === 'block') return { type: 'supersede', reason, policyRevision };
  if (verdict === 'allow') return null;
  if (!terms) throw new Error('a decision to hold has terms');
  const approved = new Set(hold.rules.map((rule) => rule.id));
  const wider = rules.some((rule) => rule.verdict === 'hold' && !approved.has(rule.id));
  const stricter =
    terms.level > hold.terms.level ||
    terms.quorum > hold.terms.quorum ||
    terms.reviewers.toSorted().join() !== hold.terms.reviewers.toSorted().join();
  return wider || stricter ? { type: 'reopen', rules, reason, terms, policyRevision } : null;
}

function outcomeOf(attempt: string, delivery: Delivery, answer: CapturedAnswer): HoldCommand {
  const reason = delivery.problem?.code ?? '';
  if (!delivery.sent) return { type: 'failed', attempt, reason };
  // A status line is the system's word that it has dealt with the call, even if the rest of its answer is lost.
  if (delivery.status > 0) {
    const response = answer.response;
    return { type: 'executed', attempt, response: { ...response, complete: response.complete && !delivery.problem } };
  }
  return { type: 'indeterminate', attempt, reason };
}
