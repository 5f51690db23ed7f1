import { FACTS, YEAR } from './facts.ts';
import type { Work } from './agents.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What reviewers decide on the holds of a rule, as shares of all decisions. The rest is approved unchanged. */
export type Ends = {
  readonly edited?: number;
  readonly rejected?: number;
  /** People do it in the place of the agent. */
  readonly takenOver?: number;
};

export type HoldTerms = {
  readonly level: 2 | 3;
  readonly group: string;
  readonly reviewers: readonly string[];
  readonly respondWithin: number;
  readonly expiresIn: number;
  /** The group that is asked next if no reviewer of the first answers in time. */
  readonly escalateTo?: string;
  /** Time until a decision in milliseconds, during office hours. */
  readonly median: number;
  readonly spread: number;
  /** Whether a reviewer is there at night and on weekends; otherwise the hold waits for the morning. */
  readonly nights: boolean;
  /** Whether the reviewer first claims the hold. */
  readonly looks: boolean;
  readonly ends: Ends;
  readonly codes: readonly string[];
  readonly notes: readonly string[];
  /** The edits of reviewers. */
  readonly pointers: readonly string[];
  /** Share of approvals that cover the next calls of the kind for a while. */
  readonly grants: number;
};

/** A rule that stops some calls of an operation: holds them, or blocks them where it has no terms. */
export type Gate = {
  readonly rule: string;
  readonly reason: string;
  readonly trigger: 'rule' | 'probabilistic' | 'default';
  /** The share of the operation's calls that it stops. */
  readonly share: number;
  /** When the rule came into force. */
  readonly since: number;
  readonly terms: HoldTerms | null;
};

const TERMS: Omit<HoldTerms, 'group' | 'reviewers' | 'respondWithin' | 'median'> = {
  level: 2,
  expiresIn: 24 * HOUR,
  spread: 0.7,
  nights: false,
  looks: true,
  ends: { rejected: 0.05 },
  codes: ['policy', 'not-now', 'other'],
  notes: ['Not now, please ask again next week.', 'This is against what we agreed on.'],
  pointers: [],
  grants: 0,
};

type Asked = Pick<HoldTerms, 'group' | 'reviewers' | 'respondWithin' | 'median'> & Partial<HoldTerms>;

const gates = new Map<string, Gate[]>();

function gate(on: string, rule: string, reason: string, share: number, asked: Asked | null, more: Partial<Gate> = {}) {
  const terms = asked && { ...TERMS, ...asked };
  const one: Gate = { rule, reason, trigger: 'rule', share, since: YEAR.from, terms, ...more };
  gates.set(on, [...(gates.get(on) ?? []), one]);
}

const at = (...names: string[]): string[] => names.map((name) => `${name}@example.com`);
const people = {
  finance: { group: 'finance', reviewers: at('ana', 'abe', 'ada') },
  treasury: { group: 'treasury', reviewers: at('ada', 'tom') },
  procurement: { group: 'procurement', reviewers: at('paul', 'pia') },
  accounting: { group: 'accounting', reviewers: at('lea', 'lars') },
  maintainers: { group: 'maintainers', reviewers: at('dana', 'dirk', 'mia') },
  marketing: { group: 'marketing', reviewers: at('mona', 'max') },
  supportLeads: { group: 'support-leads', reviewers: at('chi', 'cleo') },
  people: { group: 'people', reviewers: at('gus') },
} as const;

const { rubberStamping, repeatedRejection, missedHolds, slowGroup, blockedHotSpot, costBlocked } = FACTS;
const { firstContact, escalations, takenOver, edits } = FACTS;

gate('payments/createRefund', escalations.rule, 'Refunds above 50.00 EUR need finance.', 0.25, {
  ...people.finance,
  respondWithin: 10 * MINUTE,
  median: 5.5 * MINUTE,
  spread: 0.8,
  nights: true,
  escalateTo: escalations.to,
  expiresIn: 2 * HOUR,
  ends: { edited: 0.06, rejected: 0.07 },
  codes: ['wrong-amount', 'wrong-amount', 'wrong-target', 'policy'],
  notes: ['Only the last item was returned.', 'This charge belongs to another customer.'],
  pointers: ['/amount'],
  grants: 0.12,
});
gate('payments/createPayout', takenOver.rule, 'Payouts are made by people.', 1, {
  ...people.treasury,
  level: 3,
  respondWithin: 4 * HOUR,
  median: HOUR,
  ends: { takenOver: 1 },
});
gate('crm/bulkUpdateContacts', rubberStamping.rule, 'Changes more than 50 contacts at once.', 1, {
  group: rubberStamping.group,
  reviewers: [rubberStamping.reviewer],
  respondWithin: HOUR,
  median: rubberStamping.medianMs,
  spread: 0.3,
  nights: true,
  looks: false,
  ends: { rejected: 1 / rubberStamping.oneIn },
  codes: ['other'],
  notes: ['No.'],
});
gate('erp/updateSupplier', repeatedRejection.rule, 'Changes where a supplier is paid.', 1, {
  ...people.procurement,
  respondWithin: 4 * HOUR,
  median: 50 * MINUTE,
  ends: { edited: 0.02, rejected: 0.55 },
  codes: [repeatedRejection.code],
  notes: ['How sure is this, and what is it for? Nothing names the request behind it.'],
  pointers: ['/valid_from'],
});
gate('erp/createPurchaseOrder', edits.rule, 'Orders above 2,500.00 EUR need procurement.', 0.7, {
  ...people.procurement,
  respondWithin: 4 * HOUR,
  median: 70 * MINUTE,
  ends: { edited: 1 / 9, rejected: 0.06 },
  codes: ['wrong-amount', 'not-now'],
  notes: ['We have enough of these until summer.'],
  pointers: [edits.pointer],
});
gate('erp/matchInvoice', 'rules.erp/invoice-match', 'Matches are confirmed by accounting.', 1, {
  ...people.accounting,
  respondWithin: 2 * HOUR,
  median: 20 * MINUTE,
  ends: { edited: 0.01, rejected: 0.02 },
  codes: ['wrong-target'],
  notes: ['That is the order of another year.'],
  pointers: ['/order'],
});
gate('erp/postInvoice', 'rules.erp/invoice-post', 'Postings are confirmed by accounting.', 1, {
  ...people.accounting,
  respondWithin: 2 * HOUR,
  median: 25 * MINUTE,
  ends: { edited: 0.04, rejected: 0.03 },
  codes: ['wrong-target', 'policy'],
  notes: ['Another account.'],
  pointers: ['/account', '/cost_center'],
});
gate('database/exportTable', slowGroup.rule, 'Whole tables leave the house only with a steward.', 1, {
  group: slowGroup.group,
  reviewers: at('sam', 'sue'),
  respondWithin: slowGroup.respondWithinMs,
  median: 1.75 * HOUR,
  spread: 0.8,
  ends: { rejected: 0.2 },
  codes: ['policy', 'policy', 'missing-information'],
  notes: ['Not with customers’ names in it.'],
});
gate('database/dropTable', blockedHotSpot.rule, 'Agents may not drop tables.', 1, null);
gate('database/runQuery', 'rules.database/daily-budget', 'The budget of the day, 250 EUR, is used up.', 0.03, {
  group: 'data-leads',
  reviewers: at('eli', 'sue'),
  respondWithin: 2 * HOUR,
  median: 30 * MINUTE,
  ends: { rejected: 0.1 },
  codes: ['not-now'],
  notes: ['Tomorrow.'],
});
gate('github/mergePull', 'rules.github/merge', 'A merge changes what is released.', 1, {
  ...people.maintainers,
  respondWithin: 2 * HOUR,
  median: 35 * MINUTE,
  ends: { edited: 0.05, rejected: 0.09 },
  codes: ['not-now', 'wrong-target', 'other'],
  notes: ['Needs a second review first.', 'After the release.'],
  pointers: ['/commit_title'],
});
gate('github/addMember', 'rules.github/membership', 'Membership gives access to the code.', 1, {
  ...people.people,
  respondWithin: 8 * HOUR,
  median: 2 * HOUR,
});
gate('email/sendCampaign', missedHolds.rule, 'Campaigns to more than 10,000 people need marketing.', 0.6, {
  ...people.marketing,
  respondWithin: 4 * HOUR,
  median: 80 * MINUTE,
  ends: { edited: 0.05, rejected: 0.65 },
  codes: [missedHolds.code],
  notes: ['These people did not agree to hear from us.'],
  pointers: ['/subject'],
});
gate('email/buyAudience', costBlocked.rule, 'Addresses are not bought from this vendor.', 0.6, null);
gate(
  'support/replyToTicket',
  firstContact.rule,
  'Replies that promise money are read first.',
  0.35,
  {
    ...people.supportLeads,
    respondWithin: 30 * MINUTE,
    median: 11 * MINUTE,
    nights: true,
    ends: { edited: 0.3, rejected: 0.25 },
    codes: ['wrong-amount', 'other'],
    notes: ['We do not promise this.', 'Friendlier, please.'],
    pointers: ['/text'],
  },
  { since: firstContact.since },
);
gate('crm/createDeal', 'rules.crm/discount', 'Discounts above a fifth are no agent’s business.', 0.04, null);
gate('github/createFork', 'holdpoint/default', 'No rule covers this call.', 1, null, { trigger: 'default' });

/** The claims of an agent that hold its call. */
const UNSURE: Gate = {
  rule: 'rules.all/unsure-agent',
  reason: 'The agent itself gives this call a confidence below 0.85.',
  trigger: 'probabilistic',
  share: 0.02,
  since: YEAR.from,
  terms: {
    ...TERMS,
    group: 'operations-desk',
    reviewers: at('olga', 'omar'),
    respondWithin: HOUR,
    median: 15 * MINUTE,
    nights: true,
    ends: { rejected: 0.2 },
    codes: ['missing-information', 'wrong-target', 'other'],
  },
};

/** The rules that may stop such calls, in the order in which they are tried. */
export function gatesOf({ agent, operation }: Work): readonly Gate[] {
  const own = gates.get(`${operation.system}/${operation.name}`) ?? [];
  const always = own.some(({ share }) => share === 1);
  return agent.confident && operation.method !== 'GET' && !always ? [...own, UNSURE] : own;
}
