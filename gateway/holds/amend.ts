import { strictest } from '../domain/terms.ts';
import type { Amend, EditBody } from '../domain/amendment.ts';
import type { Decision, MatchedRule } from '../domain/decision.ts';
import type { Judgement } from '../domain/hold-command.ts';
import type { CallHold, DigestAction } from '../domain/hold.ts';
import type { RepeatedArgument } from '../domain/repeated-argument.ts';
import { Problem } from '../domain/problem.ts';

/**
 * Puts a reviewer's edit together with the held call and has policy judge the result. An edit can only ever add to what
 * has to be met: a call that is edited out of the reach of a rule still needs the people that the rule asked for.
 * The result throws Problem `policy-unavailable` when policy cannot decide.
 */
export function createAmend(deps: {
  readonly decide: (input: string, digest: string) => Decision;
  readonly digest: DigestAction;
  readonly edit: EditBody;
  /** The arguments of the held tool that headers repeat; null if that is not known. */
  readonly repeated: (hold: CallHold) => Promise<readonly RepeatedArgument[] | null>;
}): Amend {
  const {
    decide,
    digest,
    edit: { amendCall, changedPlaces },
    repeated,
  } = deps;
  return async (hold, call, edit) => {
    const amended = amendCall(call, edit, hold.terms.editable, await repeated(hold));
    if ('detail' in amended) return { refused: 'invalid', ...amended };

    const amendedDigest = digest(hold, amended);
    const decision = decide(amended.input, amendedDigest);
    if (decision.fault !== null) throw new Problem('policy-unavailable', { cause: new Error(decision.fault) });
    const edited = { call: amended, changed: changedPlaces(call, amended), decision };
    if (decision.verdict === 'block') {
      return { refused: 'blocked', detail: `Policy blocks the call as edited: ${decision.reason}`, ...edited };
    }
    const envelope = digest.envelope(hold, amended);
    return { ...edited, digest: amendedDigest, envelope, judgement: judgementOf(hold, decision) };
  };
}

function judgementOf(hold: CallHold, { rules, reason, terms, cost, policyRevision }: Decision): Judgement {
  if (!terms) return { rules: hold.rules, reason: hold.reason, terms: hold.terms, cost, policyRevision };
  return {
    rules: joined(rules, hold.rules),
    reason,
    terms: strictest([hold.terms, terms]),
    cost,
    policyRevision,
  };
}

/** The rules of both, each once: those that hold the edited call first. */
function joined(now: readonly MatchedRule[], before: readonly MatchedRule[]): MatchedRule[] {
  const holding = now.filter(({ verdict }) => verdict === 'hold');
  const known = new Set(holding.map(({ id }) => id));
  return [...holding, ...before.filter(({ id }) => !known.has(id))];
}
