import { answered, openRecord, PROBLEM, type CallRecord } from './call-record.ts';
import { FACTS } from './facts.ts';
import type { Gate, HoldTerms } from './gates.ts';
import { tellHeld } from './held-story.ts';
import type { Grant } from './hold-story.ts';
import { createJudge, type Attempt, type Target } from './judgement.ts';
import type { Random } from './random.ts';
import type { Story } from './story.ts';
import { answer, costOf, drifts, within } from './system-story.ts';

/** How long the gateway waits for a system, in milliseconds. */
const TIMEOUT = 30_000;
/** How soon an unreachable system is known to be. */
const REFUSED = 3;

/** Tells the stories of calls in order, because earlier ones affect later ones. */
export function createTeller(random: Random): (attempt: Attempt) => Story & Target {
  const judge = createJudge(random);
  const grants = new Map<string, Grant>();

  return (attempt) => {
    const { at } = attempt;
    const judgement = judge(attempt);
    const record = openRecord(random, attempt, judgement);
    record.decided(at, record.whose);
    switch (judgement.verdict) {
      case 'allow':
        return tellAllowed(random, attempt, record);
      case 'hold':
        if (within(at, FACTS.storeAway)) {
          const failure = 'gateway-failed';
          record.completed(at + 2, at, record.whose, { ...PROBLEM, status: 503, code: 'store-unavailable', failure });
          return record.story({ failure });
        }
        return held(attempt, record, judgement.gate as Gate & { terms: HoldTerms }, judgement.ending);
      case 'block': {
        const [failure, status, code] =
          judgement.trigger === 'fault'
            ? (['policy-wrong', 503, 'policy-unavailable'] as const)
            : (['boundary-exceeded', 403, 'blocked'] as const);
        record.completed(at + 1, at, record.whose, { ...PROBLEM, status, code, failure });
        return record.story({ failure });
      }
    }
  };

  function held(
    attempt: Attempt,
    record: CallRecord,
    gate: Gate & { terms: HoldTerms },
    share: number,
  ): Story & Target {
    const { at, work, again } = attempt;
    const covered = `${work.agent.id} ${gate.rule}`;
    const earlier = grants.get(covered);
    const grant = earlier && !again && earlier.until > at && earlier.used < earlier.uses ? earlier : null;
    const { given, ...more } = tellHeld(random, attempt, record, { gate, share, grant });
    if (given) grants.set(covered, given);
    return record.story(more);
  }
}

function tellAllowed(random: Random, { at, work }: Attempt, record: CallRecord): Story & Target {
  const { operation } = work;
  const got = answer(random, at, operation);
  const { executed, upstreamMs, code } = got;
  const cost = executed ? costOf(random, operation) : null;
  const addedMs = 1 + Math.floor(-1.1 * Math.log(1 - random.next()));
  const endedAt = at + addedMs + (upstreamMs ?? (code === 'upstream-timeout' ? TIMEOUT : REFUSED));
  record.completed(endedAt, at, record.whose, {
    ...answered(random, got, operation.responseBytes),
    ...(cost && { cost: cost.amount, cost_unit: cost.unit }),
  });
  const drifted = drifts(random, got, operation);
  if (drifted) record.drifted(endedAt, got.status, {});
  const failure = drifted ? 'system-drifted' : got.failure;
  return record.story({ executed, upstreamMs, addedMs: upstreamMs === null ? null : addedMs, cost, failure });
}
