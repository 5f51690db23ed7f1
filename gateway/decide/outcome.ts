import { z } from 'zod';
import { costAmount, costMember, type Cost } from '../domain/cost.ts';
import type { Decision, MatchedRule, Obligation, Trigger, Verdict } from '../domain/decision.ts';
import { createRecent } from './recent.ts';
import { canEscalate, holdMembers, termsOf, trigger } from './terms.ts';

/** A decision without what belongs to one call: its id, revision and time. */
export type Outcome = Pick<
  Decision,
  'verdict' | 'rules' | 'reason' | 'obligations' | 'alert' | 'terms' | 'cost' | 'fault'
>;

/** What every rule says of itself. */
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
// No trigger: an estimate can make a call wait or stop it, never let it through.
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

// Most calls of an agent end in one of a few outcomes, and reading one costs a third of an evaluation.
const known = createRecent<Outcome>(256);
/** A reason may quote a body: without a limit, 512 calls could fill the memory. */
const LONGEST_KNOWN = 8192;

/** The amount of a cost, as OPA writes it. Within a string its quotation marks would be escaped. */
const AMOUNT = /"cost":\{"amount":[\d.eE+-]+/g;
const BEFORE_AMOUNT = '"cost":{"amount":';

/**
 * As `readOutcome`, remembering the latest few hundred. Those that differ in an amount alone, as the costs of most calls
 * do, are one: reading each of them and what is said of its rules cost a third of a decision.
 */
export function recallOutcome(text: string): Outcome {
  if (text.length > LONGEST_KNOWN) return readOutcome(text);
  const amounts = text.match(AMOUNT);
  if (amounts?.length !== 1) return recall(text);
  const amount = costAmount.safeParse(Number(amounts[0].slice(BEFORE_AMOUNT.length)));
  const { cost, ...outcome } = recall(text.replace(AMOUNT, `${BEFORE_AMOUNT}0`));
  // Where it is not the cost of the decision, it may be a parameter of an obligation. What is no amount is refused there.
  return cost === null || !amount.success ? recall(text) : { ...outcome, cost: { ...cost, amount: amount.data } };
}

function recall(text: string): Outcome {
  let outcome = known.get(text);
  if (!outcome) known.set(text, (outcome = readOutcome(text)));
  return outcome;
}

/**
 * Reads what `holdpoint/decision` gave. It may only ever become stricter here: an entry that cannot be read, one whose
 * members are unknown (a misspelt `reviewers` would let anybody approve), or a result of any other shape is a fault.
 *
 * @param text the result set as JSON text.
 */
export function readOutcome(text: string): Outcome {
  if (text === '[]') return failed('holdpoint/decision is undefined for this input');
  const parsed = result.safeParse(parseJson(text));
  if (!parsed.success) return failed(`malformed decision: ${explain(parsed.error)}`);
  const { verdict, system, ...matched } = parsed.data[0].result;

  const holdEntries = Object.values(matched.hold).flat();
  const blocks = [...matchedRules('block', matched.block), ...matchedRules('block', matched.hold, isBarred)];
  const holds = matchedRules('hold', matched.hold, (entry) => !isBarred(entry));
  const allows = matchedRules('allow', matched.allow);
  const rules = [...blocks, ...holds, ...allows];
  const base = { verdict, rules, obligations: [], alert: [], terms: null, cost: null, fault: null };

  if (verdict === 'block') {
    if (rules.length === 0) {
      const reason = `No policy rule for ${system} covers this call, so it is blocked.`;
      return { ...base, rules: [{ id: 'holdpoint/default', verdict, reason, trigger: 'rule' }], reason };
    }
    if (blocks.length === 0) return failed('malformed decision: block without a rule');
    const alert = [...new Set(holdEntries.filter(isBarred).flatMap((entry) => entry.reviewers ?? []))];
    return { ...base, reason: reasonOf(blocks, 'blocks this call'), alert };
  }

  const entries = [...Object.values(matched.allow).flat(), ...holdEntries];
  const obligations = uniqueObligations(entries);
  const costs = entries.flatMap((entry) => entry.cost ?? []);
  if (new Set(costs.map(({ unit }) => unit)).size > 1)
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

/** The outcome when the policy itself fails: nothing may go through. */
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

function matchedRules(
  verdict: Verdict,
  entries: Readonly<Record<string, readonly Entry[]>>,
  which: (entry: Entry) => boolean = () => true,
): MatchedRule[] {
  return Object.entries(entries).flatMap(([name, rules]) =>
    rules.filter(which).map(({ rule, reason = null, trigger = 'rule' }) => {
      return { id: `rules.${name}/${rule}`, verdict, reason, trigger };
    }),
  );
}

/** A hold that nobody may approve: level 4 is "block and alert". */
function isBarred({ level }: Entry): boolean {
  return level === 4;
}

/** Every reason that the winning rules give, once; a rule without one is named instead. */
function reasonOf(winners: readonly MatchedRule[], what: string): string {
  return [...new Set(winners.map(({ id, reason }) => reason ?? `Rule ${id} ${what}.`))].sort().join(' ');
}

function uniqueObligations(
  rules: readonly { readonly obligations?: readonly Obligation[] | undefined }[],
): readonly Obligation[] {
  const all = rules.flatMap((rule) => rule.obligations ?? []);
  return all.length < 2 ? all : [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}

/** Each rule knows a part of what a call does; what the dearest of them sees is never too little for a budget. */
function highest(costs: readonly Cost[]): Cost | null {
  return costs.length === 0 ? null : costs.reduce((a, b) => (b.amount > a.amount ? b : a));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The first problem, with the place it is at: `hold.payments[0].quorum: …`. */
function explain(error: z.ZodError): string {
  const [issue] = error.issues;
  if (!issue) return 'unreadable';
  const path = issue.path.slice(2).map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`));
  return `${path.join('').replace(/^\./, '') || 'result'}: ${issue.message}`;
}
