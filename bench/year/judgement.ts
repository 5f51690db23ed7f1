import type { Event } from '../../gateway/domain/event.ts';
import type { Work } from './agents.ts';
import type { Claims } from './call-input.ts';
import { FACTS } from './facts.ts';
import { gatesOf, type Gate } from './gates.ts';
import { revisionAt } from './policies.ts';
import { createEvenly, type Random } from './random.ts';

/** One call as an agent is about to make it. */
export type Attempt = {
  readonly at: number;
  readonly work: Work;
  readonly node: string;
  readonly claims: Claims;
  readonly traceId: string | null;
  /** The target of the first attempt, if this is the second. */
  readonly again: Target | null;
};

/** On what: the path, and the identifier in it. */
export type Target = { readonly path: string; readonly id: string | null };

/** The policy's decision. */
export type Judgement = {
  readonly verdict: 'allow' | 'hold' | 'block';
  /** The rule that stopped it; null when none did, or policy failed. */
  readonly gate: Gate | null;
  readonly rule: string;
  readonly trigger: NonNullable<Event['trigger']>;
  readonly reason: string;
  readonly revision: string;
  /** As the agent made them; where it is planted, agents say less about calls that will be rejected. */
  readonly claims: Claims;
  /** Where in the shares of `Ends` the call lies, when it is held. */
  readonly ending: number;
};

const { repeatedRejection } = FACTS;

/** Judges calls one after the other: rules stop even shares of them. */
export function createJudge(random: Random): (attempt: Attempt) => Judgement {
  const evenly = new Map<string, () => number>();

  /** The next share for one purpose. */
  function share(purpose: string): number {
    let next = evenly.get(purpose);
    if (!next) evenly.set(purpose, (next = createEvenly()));
    return next();
  }

  function stoppedBy({ at, work, again }: Attempt): Gate | null {
    for (const gate of gatesOf(work)) {
      // The call does what a person asked for, so rules that stop some calls let it pass.
      if (at < gate.since || (again !== null && gate.share < 1)) continue;
      if (gate.share === 1 || share(`${gate.rule} stops ${work.agent.id}`) < gate.share) return gate;
    }
    return null;
  }

  function claimed(claims: Claims, gate: Gate | null, ending: number): Claims {
    if (gate?.trigger === 'probabilistic') return { ...claims, confidence: (40 + random.whole(45)) / 100 };
    if (gate?.rule !== repeatedRejection.rule) return claims;
    const silent = random.next() < (ending < (gate.terms?.ends.rejected ?? 0) ? 0.9 : 0.05);
    return {
      ...claims,
      ...(silent ? { task: null, confidence: null } : { confidence: (86 + random.whole(13)) / 100 }),
    };
  }

  return (attempt) => {
    const { work, again, claims } = attempt;
    const { operation, agent } = work;
    const { revision, broken } = revisionAt(attempt.at);
    if (broken) {
      const reason = 'The policy could not decide.';
      const fault = {
        verdict: 'block',
        gate: null,
        rule: 'holdpoint/fault',
        trigger: 'fault',
        reason,
        ending: 1,
      } as const;
      return { ...fault, revision, claims };
    }
    const gate = stoppedBy(attempt);
    if (!gate) {
      const reads = operation.method === 'GET';
      const rule = `rules.${operation.system}/${reads ? 'read' : 'write'}`;
      const reason = reads ? 'Reading is free.' : 'Within limits.';
      return { verdict: 'allow', gate, rule, trigger: 'rule', reason, revision, claims, ending: 1 };
    }
    const { rule, trigger, reason, terms } = gate;
    // A second attempt is approved as it is.
    const ending = terms && !again ? share(`${rule} ends ${agent.id}`) : 1;
    const verdict = terms ? 'hold' : 'block';
    return { verdict, gate, rule, trigger, reason, revision, claims: claimed(claims, gate, ending), ending };
  };
}
