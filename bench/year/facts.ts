/**
 * The facts planted in the year, and the only place that says what a report must find. This file says who and what; how
 * often follows from the size of the year, and is counted in the stories behind the events (`story.ts`), never in the
 * events.
 */

/** Midnight that begins a day, UTC. */
export const day = (month: number, date: number): number => Date.UTC(2025, month - 1, date);

const HOUR = 3_600_000;

/** The year, in UTC: from its first millisecond to the first after it. */
export const YEAR = { from: Date.UTC(2025, 0, 1), to: Date.UTC(2026, 0, 1) } as const;

export const FACTS = {
  /** Used two operations in the last week that it had not used before; no other agent took up an operation that late. */
  drifting: {
    agent: 'inventory-watcher',
    owner: 'fay@example.com',
    from: day(12, 25),
    operations: [
      { system: 'crm', operation: 'exportContacts' },
      { system: 'payments', operation: 'listPayouts' },
    ],
  },
  /** Decides everything that one rule holds, in a few seconds, and says yes: 249 of 250 times. All others look first. */
  rubberStamping: {
    reviewer: 'rob@example.com',
    rule: 'rules.crm/bulk-update',
    group: 'sales-ops',
    medianMs: 2_100,
    /** One of so many is rejected. */
    oneIn: 250,
  },
  /**
   * More than half of what the rule holds is rejected, always for one code. Nine of ten of those rejected named neither
   * a confidence nor a task; of those approved, one in twenty did not.
   */
  repeatedRejection: {
    rule: 'rules.erp/supplier-bank-details',
    agent: 'procurement-agent',
    system: 'erp',
    operation: 'updateSupplier',
    code: 'missing-information',
    missing: ['confidence', 'task'],
  },
  /**
   * Approved unchanged 97 times of 100. (The calls of the rubber stamp are approved even more often; read the two
   * reports together.)
   */
  autonomyCandidate: { agent: 'invoice-matcher', system: 'erp', operation: 'matchInvoice', share: 0.97 },
  /** Approved without a rejection 97 times of 100, but with an edit in four of these: 93 unchanged. */
  noAutonomyCandidate: { agent: 'invoice-matcher', system: 'erp', operation: 'postInvoice', share: 0.93 },
  /** Most held calls are rejected, and as many again are allowed without review. No other operation has both. */
  missedHolds: {
    agent: 'campaign-writer',
    system: 'email',
    operation: 'sendCampaign',
    rule: 'rules.email/large-audience',
    code: 'wrong-target',
  },
  /** An agent that tries again and again what one rule blocks. */
  blockedHotSpot: {
    agent: 'data-analyst',
    system: 'database',
    operation: 'dropTable',
    rule: 'rules.database/no-drops',
  },
  /** Decides later than the rule asks three times of four; every other group does so at most one time in four. */
  slowGroup: { group: 'data-stewards', rule: 'rules.database/table-export', respondWithinMs: HOUR },
  /** Three times the load of a working day. */
  busiestDay: { date: '2025-11-28', times: 3 },
  /** Paid more than any two others together. */
  highestCost: { agent: 'data-analyst', owner: 'eli@example.com', unit: 'EUR' },
  /** The cost of one export, always the same, so the saved cost of rejected ones is known exactly. */
  costAvoided: { system: 'database', operation: 'exportTable', unit: 'EUR', each: 12.5 },
  /** The same, where most calls are blocked and the others cost as much each. */
  costBlocked: { system: 'email', operation: 'buyAudience', unit: 'EUR', each: 4.8, rule: 'rules.email/no-purchases' },
  /** A new rule for replies to customers: of the owner's calls fewer were resolved at first contact from then on. */
  firstContact: { owner: 'chi@example.com', since: day(7, 1), rule: 'rules.support/reply-review', system: 'support' },
  /** One in nine of what the rule holds is edited, always this member. */
  edits: { rule: 'rules.erp/purchase-order', operation: 'createPurchaseOrder', pointer: '/quantity' },
  /** More people had to be asked a second time than by any other rule. */
  escalations: { rule: 'rules.payments/refund-over-limit', group: 'finance', to: 'finance-leads' },
  /** Operations that people take over. */
  takenOver: { rule: 'rules.payments/payout', operation: 'createPayout' },
  /** The system did not answer, from then for so long. */
  outage: { system: 'payments', from: day(3, 18) + 9 * HOUR, to: day(3, 18) + 17 * HOUR },
  /** A policy that failed for every call, and was taken back after two hours. */
  brokenPolicy: { from: day(9, 9) + 10 * HOUR, to: day(9, 9) + 12 * HOUR },
  /** The store of holds was away: what had to wait for people was refused. */
  storeAway: { from: day(5, 14) + 9 * HOUR, to: day(5, 14) + 15 * HOUR },
  /** The amount in the answer was not the one that was judged. */
  drift: { system: 'erp', operation: 'createPurchaseOrder', rule: 'rules.erp/amount-differs' },
  /** Its median answer takes seconds; no other operation's takes one. */
  slowestUpstream: { system: 'erp', operation: 'getReport', medianMs: 4_200 },
  /** Policy takes ten times as long on statements in SQL. */
  slowestDecision: { system: 'database', operation: 'runQuery', medianUs: 900 },
  /** One person decides for another for a fortnight. */
  delegation: { reviewer: 'lea@example.com', from: day(8, 4), to: day(8, 18) },
  /** An operator stopped the drifting agent; its last calls were refused. */
  suspension: { agent: 'inventory-watcher', at: day(12, 30) + 14 * HOUR, by: 'hana@example.com' },
} as const;
