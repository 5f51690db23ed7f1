import { z } from 'zod';
import { costAmount, costMember, type Cost } from '../domain/cost.ts';
import {
  NO_RULE,
  type Decision,
  type MatchedRule,
  type Obligation,
  type Trigger,
  type Verdict,
} from '../domain/decision.ts';
import { createRecent } from './recent.ts';
import { canEscalate, holdMembers, termsOf, trigger } from './terms.ts';

/** A decision without its id, policy revision and time. */
export type Outcome = Pick<
  Decision,
  'verdict' | 'rules' | 'reason' | 'obligations' | 'alert' | 'terms' | 'cost' | 'fault'
>;

/** The members of every rule. */
export const ruleMembers = { rule: z.string().regex(/^[\w.-]+$/), reason: z.string().optional() };
const obliging = {
  ...ruleMembers,
  obligations: z.array(z.looseObject({ type: z.string().min(1) })).optional(),
  cost: costMember.optional(),
};
const blockRule = z.strictObject({ ...ruleMembers, trigger });
const holdRule = z
  .strictObject({ ...obliging, ...holdMembers })
  .refine(canEscalate, { path: ['on_expiry'], error: 'expected a chain in escalate to go to' });
// No trigger: an estimate can hold or block a call, but never allow it.
const allowRule = z.strictObject(obliging);

const byPackage = <T extends z.ZodType>(rule: T) => z.record(z.string(), z.array(rule));

const result = z.tuple([
  z.strictObject({
    result: z.strictObject({
      verdict: z.enum(['allow', 'hold', 'block']),
      system: z.string(),
      block: byPackage(blockRule),
      hold: byPackage(holdRule),
      allow: byPackage(allowRule),
    }),
  }),
]);

// Most calls of an agent share a few outcomes, and reading one costs a third of an evaluation.
const known = createRecent<Outcome>(256);
/** A reason may quote a body. Without a limit, a few hundred outcomes could fill the memory. */
const LONGEST_KNOWN = 8192;

/** The amount of a cost, as OPA writes it. It cannot match inside a string, where quotation marks are escaped. */
const AMOUNT = /"cost":\{"amount":[\d.eE+-]+/g;
const BEFORE_AMOUNT = '"cost":{"amount":';

/**
 * Like `readOutcome`, with a cache of the latest few hundred outcomes. Outcomes that differ only in the amount of the
 * cost, as most do, share one entry.
 */
export function recallOutcome(text: string): Outcome {
  if (text.length > LONGEST_KNOWN) return readOutcome(text);
  const amounts = text.match(AMOUNT);
  if (amounts?.length !== 1) return recall(text);
  const amount = costAmount.safeParse(Number(amounts[0].slice(BEFORE_AMOUNT.length)));
  const { cost, ...outcome } = recall(text.replace(AMOUNT, `${BEFORE_AMOUNT}0`));
  // Without a cost, the match is a parameter of an obligation. An invalid amount is refused by `readOutcome`.
  return cost === null || !amount.success ? recall(text) : { ...outcome, cost: { ...cost, amount: amount.data } };
}

function recall(text: string): Outcome {
  let outcome = known.get(text);
  if (!outcome) known.set(text, (outcome = readOutcome(text)));
  return outcome;
}

/**
 * Reads the result of `holdpoint/decision`. Reading may only make it stricter: an unreadable entry, an unknown member
 * (a misspelt `reviewers` would let any reviewer approve) or any other shape is a fault, which blocks.
 *
 * @param text the result set as JSON text
 */
export function readOutcome(text: string): Outcome {
  if (text === '[]') return failed('holdpoint/decision is undefined for this input');
  const parsed = result.safeParse(parseJson(text));
  if (!parsed.success) return failed(`malformed decision: ${explain(parsed.error)}`);
  const { verdict, system, ...matched } = parsed.data[0].result;

  const holdEntries = Object.values(matched.hold).flat();
  const blocks = [...matchedRules('block', matched.block), ...matchedRules('block', matched.hold, isBlockAndAlert)];
  const holds = matchedRules('hold', matched.hold, (entry) => !isBlockAndAlert(entry));
  const allows = matchedRules('allow', matched.allow);
  const rules = [...blocks, ...holds, ...allows];
  const base = { verdict, rules, obligations: [], alert: [], terms: null, cost: null, fault: null };

  if (verdict === 'block') {
    if (rules.length === 0) {
      const reason = `No policy rule for ${system} covers this call, so it is blocked.`;
      return { ...base, rules: [{ id: NO_RULE, verdict, reason, trigger: 'rule' }], reason };
    }
    if (blocks.length === 0) return failed('malformed decision: block without a rule');
    const alert = [...new Set(holdEntries.filter(isBlockAndAlert).flatMap((entry) => entry.reviewers ?? []))];
    return { ...base, reason: reasonOf(blocks, 'blocks this call'), alert };
  }

  const entries = [...Object.values(matched.allow).flat(), ...holdEntries];
  const obligations = unique(entries.flatMap((entry): readonly Obligation[] => entry.obligations ?? []));
  const costs = entries.flatMap((entry) => entry.cost ?? []);
  if (!areInOneUnit(costs))
    return failed('malformed decision: rules give the cost in different units, which cannot be compared');
  const cost = highest(costs);
  if (verdict === 'hold') {
    if (holds.length === 0 || blocks.length > 0) return failed('malformed decision: hold against its rules');
    return { ...base, reason: reasonOf(holds, 'holds this call'), obligations, terms: termsOf(holdEntries), cost };
  }
  if (allows.length === 0 || holds.length > 0 || blocks.length > 0)
    return failed('malformed decision: allow against its rules');
  return { ...base, reason: reasonOf(allows, 'allows this call'), obligations, cost };
}

/** The outcome when the policy itself fails: block. */
export function failed(fault: string): Outcome {
  const reason = 'The policy could not decide.';
  return {
    verdict: 'block',
    rules: [{ id: 'holdpoint/fault', verdict: 'block', reason, trigger: 'rule' }],
    reason,
    obligations: [],
    alert: [],
    terms: null,
    cost: null,
    fault,
  };
}

type Entry = {
  readonly rule: string;
  readonly reason?: string | undefined;
  readonly trigger?: Trigger | undefined;
  readonly level?: number | undefined;
};

/** The package of the rules that ship with Holdpoint. No system has this name. */
const OWN = 'holdpoint';

function matchedRules(
  verdict: Verdict,
  entries: Readonly<Record<string, readonly Entry[]>>,
  which: (entry: Entry) => boolean = () => true,
): MatchedRule[] {
  return Object.entries(entries).flatMap(([name, rules]) =>
    rules.filter(which).map(({ rule, reason = null, trigger = 'rule' }) => {
      return { id: name === OWN ? `${OWN}/${rule}` : `rules.${name}/${rule}`, verdict, reason, trigger };
    }),
  );
}

/** Level 4 is "block and alert": no reviewer may approve such a hold. */
function isBlockAndAlert({ level }: Entry): boolean {
  return level === 4;
}

/** Every reason of the winning rules, once. A rule without a reason is named instead. */
function reasonOf(winners: readonly MatchedRule[], what: string): string {
  return [...new Set(winners.map(({ id, reason }) => reason ?? `Rule ${id} ${what}.`))].sort().join(' ');
}

/** Each item once, as JSON tells them apart. */
export function unique<T>(items: readonly T[]): readonly T[] {
  return items.length < 2 ? items : [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

export function areInOneUnit(costs: readonly Cost[]): boolean {
  return costs.every(({ unit }) => unit === costs[0]!.unit);
}

/**
 * The highest cost that a rule states. Rules may see only a part of the call's cost, and a budget must not be exceeded.
 */
export function highest(costs: readonly Cost[]): Cost | null {
  return costs.length === 0 ? null : costs.reduce((a, b) => (b.amount > a.amount ? b : a));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first problem, with its place: `hold.payments[0].quorum: …`. */
function explain(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return 'unreadable';
  const path = issue.path.slice(2).map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return `${path.join('').replace(/^\./, '') || 'result'}: ${issue.message}`;
}
