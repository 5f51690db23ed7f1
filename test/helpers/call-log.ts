import type { CallLog, CallSummary } from '../../gateway/domain/call-log.ts';
import type { ReviewRecord } from '../../gateway/domain/review-record.ts';

/** An empty record. */
export const emptyCallLog: CallLog = {
  search: async () => ({ items: [], next: null, searched_since: null, source: 'record' }),
  story: async () => null,
  history: async () => ({ similar_30d: 0, approved_unchanged_rate: null, recent_calls: [] }),
};

export const emptyReviewRecord: ReviewRecord = {
  steps: async () => [],
  numbers: async () => ({
    similar: { decided: 0, unchanged: 0, last: [] },
    agent: { decided: 0, unchanged: 0 },
    rule: { hits: 0, decided: 0, approved: 0 },
  }),
  own: async () => ({ decisions: 0, unchanged: 0, underFiveSeconds: 0, median: null }),
};

/** A call, as a list shows it. */
export const exampleCall: CallSummary = {
  call_id: 'call_019a0000000070008000000000000001',
  at: '2026-01-01T00:00:00.000Z',
  agent: 'billing-bot',
  owner: 'ana@example.com',
  on_behalf_of: [],
  session: '',
  task: '',
  system: 'payments',
  operation: 'createRefund',
  method: 'POST',
  path: '/v1/refunds',
  resource: 'refunds',
  verdict: 'allow',
  rules: [],
  trigger: 'rule',
  reason: '',
  policy_revision: 'p1',
  decision_id: 'dec_1',
  hold_id: null,
  status: 200,
  code: '',
  failure: '',
  took_ms: 12,
  cost: 0,
  cost_unit: '',
  trace_id: '',
};
