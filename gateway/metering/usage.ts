import type { Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Cost } from '../domain/cost.ts';
import type { Decision } from '../domain/decision.ts';
import type { Digest } from '../domain/hold.ts';
import type { Expectation } from '../domain/metering.ts';
import type { CallInput } from '../domain/call-input.ts';
import { spenderOf, withoutUsage, withRepeat, withUsage } from '../domain/policy-input.ts';
import type { DayUsage, JudgeAgain, Spender, UsageMeter, UsageStore } from '../domain/usage.ts';
import { createExchanges } from './exchanges.ts';
import { createSharedCounts } from './shared-counts.ts';

/** Milliseconds without the counts of others after which policy is told that counts are stale. */
const USAGE_STALE = 5_000;

export type Usage = UsageMeter & {
  /**
   * Judges a call with `usage` and `action.repeat` in its policy input, as far as policy reads them. If the decision can
   * depend on usage, it is made in an exchange with the store, which no other process has at the same time: the counts of
   * all are known, and what the call may cost is counted before the next call is judged.
   * @throws Problem `store-unavailable` if policy would allow the call by counts that may be old
   */
  judge(call: Call): Decision | Promise<Decision>;
  judgeAgain: JudgeAgain;
  /**
   * An input that was judged before, with its `usage` replaced by what is known here now. For previews: nothing is
   * reserved.
   * @param digest also replaces `action.repeat` by that of this call; null keeps it, for a call that was sent already
   */
  renewed(input: string, digest: string | null): string;
  /** What is known here of an agent's usage within the last day; null while policy reads no usage, so that none is counted. */
  agentDay(agent: string): DayUsage | null;
  /** Counts a held call that is sent now. */
  released(system: string, digest: string): void;
  /** Shares counts with the store once. @throws Problem `store-unavailable` */
  share(): Promise<void>;
  start(): void;
  /** Adds the remaining counts to the store, if it can be reached. */
  stop(): Promise<void>;
};

/** What is counted for a call that may be sent, until it is known what it cost. */
type Reservation = {
  readonly spender: Spender;
  readonly at: number;
  readonly costs: readonly Cost[];
  readonly metered: string | null;
};

/** `reservation`: what is counted for the call; null unless it may be sent. */
type Decided = { readonly decision: Decision; readonly reservation: Reservation | null };

/**
 * Counts the usage of agents, owners and operations, and identical calls, over all processes and gateways on one store.
 *
 * Budgets hold because a decision that can depend on usage is an exchange with the store. Everything else that is
 * counted reaches the store within half a second. What the policy in force does not read is not counted, written or read.
 */
export function createUsage(deps: {
  readonly store: UsageStore;
  readonly decide: (input: CallInput, otherReadings?: readonly CallInput[]) => Decision;
  /** Whether decisions on a system's calls can depend on `usage`; null: whether the policy in force mentions it at all. */
  readonly wanted: (system: string | null) => boolean;
  /** Whether they can depend on `action.repeat`; null stands for any system. */
  readonly wantsRepeat: (system: string | null) => boolean;
  /** What a call costs, as far as it is known before it is answered. */
  readonly expects: (call: Pick<Call, 'system' | 'operation'>, policyCost: Cost | null) => Expectation;
  readonly digest: Digest;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}): Usage {
  const { decide, wanted, wantsRepeat, expects, digest, clock } = deps;
  const counts = createSharedCounts(deps);
  const exchanges = createExchanges({
    counts,
    wanted: () => wanted(null) || wantsRepeat(null),
    failed: deps.failed,
  });
  const digests = new WeakMap<Call, string>();
  /** Allowed calls that were counted. A call that came while usage was not `wanted` was not. */
  const reserved = new WeakMap<Call, Reservation>();

  function digestOf(call: Call): string {
    let known = digests.get(call);
    if (known === undefined) digests.set(call, (known = digest(call, call)));
    return known;
  }

  /** Decides on an input with the current usage, alone among all processes, and counts what `book` counts. */
  async function decideAlone(
    judge: (stale: boolean) => Decision,
    { isSent, book }: { isSent(decision: Decision): boolean; book(decision: Decision): Reservation | null },
  ): Promise<Decided> {
    const booked = (decision: Decision) => ({ decision, reservation: book(decision) });
    try {
      return await exchanges.alone(() => booked(judge(false)));
    } catch (error) {
      // The policy may want to say why it stops the call. It cannot let it go: others may have used up what is left.
      const decision = judge(true);
      if (isSent(decision)) throw error;
      return booked(decision);
    }
  }

  /** Counts what a call that may be sent costs at most, as far as anybody knows. */
  function reserve(spender: Spender, at: number, policyCost: Cost | null): Reservation {
    const { cost, metered } = expects(spender, policyCost);
    const largest = metered === null ? 0 : counts.largest(spender, metered);
    const named = metered !== null && largest > 0 ? { amount: largest, unit: metered } : null;
    const isOne = cost !== null && named !== null && cost.unit === named.unit;
    const costs = isOne ? [cost.amount > named.amount ? cost : named] : [cost, named].filter((each) => each !== null);
    for (const { amount, unit } of costs) counts.count(spender, at, `cost:${unit}`, amount);
    return { spender, at, costs, metered };
  }

  /**
   * Replaces what was reserved. All counts of a call carry the time of its decision, so that a correction leaves the
   * window with the count it corrects.
   */
  function settle({ spender, at, costs, metered }: Reservation, cost: Cost | null): void {
    if (cost && cost.unit === metered) counts.named(spender, at, cost);
    let isMore = cost !== null;
    for (const { amount, unit } of costs) {
      const actual = cost?.unit === unit ? cost.amount : 0;
      if (actual !== amount) counts.count(spender, at, `cost:${unit}`, actual - amount);
      if (cost?.unit === unit) isMore = actual > amount;
    }
    if (cost && !costs.some(({ unit }) => unit === cost.unit)) {
      counts.count(spender, at, `cost:${cost.unit}`, cost.amount);
    }
    // Others should not allow calls by a budget that is smaller than they know.
    if (isMore) exchanges.soon();
  }

  /** Counts at the time of the decision: by that of arrival, slow bodies would carry many calls past a short window. */
  function book(call: Call, { verdict, cost }: Decision): Reservation | null {
    const [spender, at] = [spenderOfCall(call), clock()];
    counts.count(spender, at, 'calls', 1);
    if (verdict === 'block') counts.count(spender, at, 'blocked', 1);
    if (verdict === 'hold') counts.count(spender, at, 'held', 1);
    return verdict === 'allow' ? reserve(spender, at, cost) : null;
  }

  function decidedOn(call: Call, { decision, reservation }: Decided): Decision {
    if (reservation) reserved.set(call, reservation);
    return decision;
  }

  function renewed(
    input: string,
    spender: Spender & { readonly hasUsage: boolean },
    call: string | null,
    stale: boolean,
  ) {
    const isRepeat = call !== null && wantsRepeat(spender.system);
    const known = isRepeat ? withRepeat(input, counts.repeatText(call)) : input;
    if (!wanted(null)) return known;
    return withUsage(spender.hasUsage ? withoutUsage(known) : known, counts.usageText(spender, stale));
  }

  return {
    judge(call) {
      const isRepeat = wantsRepeat(call.system);
      const isMentioned = wanted(null);
      if (!isRepeat && !isMentioned) return decide(call.input, call.otherReadings);
      const { input, otherReadings } = call;
      const judge = (stale: boolean): Decision => {
        const repeat = isRepeat ? counts.repeatText(digestOf(call)) : null;
        const used = isMentioned ? counts.usageText(spenderOfCall(call), stale) : null;
        const tell = (arrived: CallInput): CallInput => {
          const told = repeat === null ? arrived : withRepeat(arrived, repeat);
          return used === null ? told : withUsage(told, used);
        };
        call.input = tell(input);
        call.otherReadings = otherReadings.map(tell);
        return decide(call.input, call.otherReadings);
      };
      if (wanted(call.system)) {
        const isSent = ({ verdict }: Decision) => verdict === 'allow';
        const booked = (decision: Decision) => book(call, decision);
        return decideAlone(judge, { isSent, book: booked }).then((decided) => decidedOn(call, decided));
      }
      const decision = judge(counts.age > USAGE_STALE);
      return isMentioned ? decidedOn(call, { decision, reservation: book(call, decision) }) : decision;
    },
    async judgeAgain({ input, otherReadings = [], digest: call, isSent }) {
      const spender = spenderOf(input);
      let judged = input;
      const judge = (stale: boolean): Decision => {
        judged = renewed(input, spender, call, stale);
        return decide(
          judged,
          otherReadings.map((reading) => renewed(reading, spender, call, stale)),
        );
      };
      const book = (decision: Decision) => (isSent(decision) ? reserve(spender, clock(), decision.cost) : null);
      let decision: Decision;
      let reservation: Reservation | null = null;
      if (wanted(spender.system)) {
        ({ decision, reservation } = await decideAlone(judge, { isSent, book }));
      } else {
        decision = judge(counts.age > USAGE_STALE);
        if (wanted(null)) reservation = book(decision);
      }
      return {
        decision,
        input: judged,
        settle(cost) {
          if (reservation) settle(reservation, cost);
          reservation = null;
        },
      };
    },
    renewed: (input, call) => renewed(input, spenderOf(input), call, counts.age > USAGE_STALE),
    agentDay: (agent) => (wanted(null) ? (JSON.parse(counts.agentDayText(agent)) as DayUsage) : null),
    released(system, call) {
      if (wantsRepeat(system)) counts.countCall(call, clock());
    },
    decided(call, { verdict }) {
      if (verdict === 'allow' && wantsRepeat(call.system)) counts.countCall(digestOf(call), clock());
    },
    completed(call, cost) {
      const reservation = reserved.get(call);
      if (reservation) settle(reservation, cost);
    },
    share: exchanges.share,
    start: exchanges.start,
    stop: exchanges.stop,
  };
}

function spenderOfCall({ principal, system, operation }: Pick<Call, 'principal' | 'system' | 'operation'>): Spender {
  return { agent: principal.agent, owner: principal.owner, system, operation };
}
