import { z } from 'zod';
import type { Decision, MatchedRule, Obligation, Verdict } from '../domain/decision.ts';
import { holdMembers, strictest, termsOf } from './terms.ts';

/** A decision without what belongs to one call: its id, revision and time. */
export type Outcome = Pick<Decision, 'verdict' | 'rules' | 'reason' | 'obligations' | 'terms' | 'fault'>;

const named = { rule: z.string().regex(/^[\w.-]+$/), reason: z.string().optional() };
const obliging = { ...named, obligations: z.array(z.looseObject({ type: z.string().min(1) })).optional() };
const blockRule = z.strictObject(named);
const holdRule = z.strictObject({ ...obliging, ...holdMembers });
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
const known = new Map<string, Outcome>();
const KNOWN_LIMIT = 512;

/** As `readOutcome`, remembering the latest few hundred. */
export function recallOutcome(text: string): Outcome {
  let outcome = known.get(text);
  if (!outcome) {
    if (known.size >= KNOWN_LIMIT) known.clear();
    outcome = readOutcome(text);
    known.set(text, outcome);
  }
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

  const blocks = matchedRules('block', matched.block);
  const holds = matchedRules('hold', matched.hold);
  const allows = matchedRules('allow', matched.allow);
  const holdEntries = Object.values(matched.hold).flat();
  const base = { obligations: [], terms: null, fault: null };

  if (verdict === 'block') {
    const barred = holds.filter((_, index) => holdEntries[index]?.level === 4);
    const rules = [...blocks, ...holds, ...allows];
    if (rules.length > 0) {
      if (blocks.length === 0 && barred.length === 0) return failed('malformed decision: block without a rule');
      const winners = blocks.length > 0 ? blocks : barred;
      return { ...base, verdict, rules, reason: reasonOf(winners, 'blocks this call') };
    }
    const reason = `No policy rule for ${system} covers this call, so it is blocked.`;
    return { ...base, verdict, rules: [{ id: 'holdpoint/default', verdict, reason }], reason };
  }

  const obligations = uniqueObligations([...Object.values(matched.allow).flat(), ...holdEntries]);
  if (verdict === 'hold') {
    if (holds.length === 0 || blocks.length > 0) return failed('malformed decision: hold against its rules');
    const terms = strictest(holdEntries.map(termsOf));
    if (terms) {
      const rules = [...holds, ...allows];
      return { ...base, verdict, rules, reason: reasonOf(holds, 'holds this call'), obligations, terms };
    }
    const reason = `${reasonOf(holds, 'holds this call')} These rules name reviewers who have no group in common, so nobody may approve it.`;
    const rule: MatchedRule = { id: 'holdpoint/no-common-reviewers', verdict: 'block', reason };
    return { ...base, verdict: 'block', rules: [rule, ...holds, ...allows], reason };
  }
  if (allows.length === 0 || holds.length > 0 || blocks.length > 0)
    return failed('malformed decision: allow against its rules');
  return { ...base, verdict, rules: allows, reason: reasonOf(allows, 'allows this call'), obligations };
}

/** The outcome when the policy itself fails: nothing may go through. */
export function failed(fault: string): Outcome {
  const reason = 'The policy could not decide.';
  return {
    verdict: 'block',
    rules: [{ id: 'holdpoint/fault', verdict: 'block', reason }],
    reason,
    obligations: [],
    terms: null,
    fault,
  };
}

type Entries = Readonly<Record<string, readonly { readonly rule: string; readonly reason?: string | undefined }[]>>;

function matchedRules(verdict: Verdict, entries: Entries): MatchedRule[] {
  return Object.entries(entries).flatMap(([name, rules]) =>
    rules.map(({ rule, reason }) => ({ id: `rules.${name}/${rule}`, verdict, reason: reason ?? null })),
  );
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
