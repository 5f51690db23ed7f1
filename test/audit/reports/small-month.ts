import type { Event } from '../../../gateway/domain/event.ts';

const MINUTE = 60_000;

export const MARCH = { from: '2026-03-01', to: '2026-04-01' } as const;

/** A day in March 2026, at ten o'clock UTC. The third is a Tuesday. */
export const day = (date: number): number => Date.UTC(2026, 2, date, 10);

const PAYMENTS = { agent: 'billing-bot', owner: 'ana@example.com', system: 'payments' };
const MAIL = { agent: 'mail-bot', owner: 'ben@example.com', system: 'mail' };

const events: Event[] = [];
let made = 0;

function add(at: number, type: Event['type'], layer: Event['layer'], more: Partial<Event>): void {
  made += 1;
  events.push({ event_id: `evt_${made}`, at, node: 'node-1', type, layer, policy_revision: 'rev-1', ...more });
}

/** A call that is decided and answered at once. */
function call(at: number, of: Partial<Event>, { decided = {}, completed = {} }: Record<string, Partial<Event>> = {}) {
  made += 1;
  const whose = { call_id: `call_${made}`, decision_id: `dec_${made}`, verdict: 'allow', path: '/x', ...of } as const;
  add(at, 'call.decided', 'decide', { ...whose, trigger: 'rule', decide_us: 50, ...decided });
  add(at + 12, 'call.completed', 'execute', { ...whose, status: 200, upstream_ms: 10, took_ms: 12, ...completed });
}

type Step = readonly [after: number, type: Event['type'], more?: Partial<Event>];

/** A held refund: what policy held, and what people made of it so many milliseconds after. */
function refund(at: number, steps: readonly Step[], of: Partial<Event> = {}): void {
  made += 1;
  const whose = {
    ...PAYMENTS,
    operation: 'createRefund',
    path: '/refunds',
    call_id: `call_${made}`,
    decision_id: `dec_${made}`,
    verdict: 'hold',
    rules: ['rules.payments/refund'],
    trigger: 'rule',
    confidence: 0.9,
    task: 'T-1',
    ...of,
  } as const;
  const hold = { ...whose, hold_id: `hold_${made}` };
  add(at, 'call.decided', 'decide', { ...whose, decide_us: 50 });
  add(at, 'hold.opened', 'decide', { ...hold, groups: ['finance'], level: 2, respond_within_ms: 10 * MINUTE });
  for (const [after, type, more] of steps) add(at + after, type, 'decide', { ...hold, held_ms: after, ...more });
}

const by = (name: string) => ({ actor: `${name}@example.com`, actor_kind: 'reviewer', channel: 'console' }) as const;
const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;
const sent = (after: number): Step => [
  after,
  'hold.executed',
  { status: 200, upstream_ms: 30, cost: 2, cost_unit: 'EUR' },
];
const unclaimed = { confidence: undefined, task: undefined } as unknown as Partial<Event>;

// Before the month: mail-bot has long sent mail.
call(day(1) - 20 * 24 * 60 * MINUTE, { ...MAIL, operation: 'send' });

// Four reads, one of which did not reach the system.
for (const date of [3, 3, 4])
  call(day(date), { ...PAYMENTS, operation: 'list' }, { completed: { cost: 0.5, cost_unit: 'EUR' } });
call(
  day(5),
  { ...PAYMENTS, operation: 'list' },
  {
    completed: {
      layer: 'record',
      status: 502,
      upstream_ms: 0,
      took_ms: 3_000,
      failure: 'system-failed',
      code: 'upstream-unreachable',
    },
  },
);

// Ten refunds that were held: three approved in five seconds, three after twenty minutes, one edited, two rejected, one
// that nobody decided on.
for (const date of [3, 4, 5]) refund(day(date), [[5_000, 'hold.approved', by('rob')], sent(6_000)]);
for (const date of [10, 11, 12]) refund(day(date), [[20 * MINUTE, 'hold.approved', by('ada')], sent(21 * MINUTE)]);
refund(day(13), [
  [MINUTE, 'hold.edited', { ...by('ada'), changes: ['/amount'] }],
  [MINUTE, 'hold.approved', by('ada')],
  sent(2 * MINUTE),
]);
for (const date of [16, 17])
  refund(
    day(date),
    [[2 * MINUTE, 'hold.rejected', { ...by('ada'), code: 'missing-information', failure: 'boundary-exceeded' }]],
    {
      ...unclaimed,
      session: `s-${date}`,
    },
  );
refund(day(18), [
  [10 * MINUTE, 'hold.escalated', { ...byGateway, reason: 'to finance-leads' }],
  [30 * MINUTE, 'hold.expired', byGateway],
]);

// The agent tries one of the rejected again; this time nothing holds it, nor another that says as little.
call(day(17) + 60 * MINUTE, { ...PAYMENTS, operation: 'createRefund', path: '/refunds', session: 's-17' });
call(day(20), { ...PAYMENTS, operation: 'createRefund', path: '/refunds' });

// A grant, used once: nobody was asked.
add(day(21), 'grant.created', 'decide', { ...PAYMENTS, operation: 'createRefund', ...by('ada') });
refund(day(22), [[0, 'hold.approved', { actor: 'grant_1', actor_kind: 'gateway' }], sent(40)]);
add(day(22), 'grant.used', 'decide', { ...PAYMENTS, operation: 'createRefund', ...byGateway });

// In its last week the other agent takes to deleting, which is blocked; then policy fails, and is mended.
for (const minute of [0, 1, 2])
  call(
    day(30) + minute * MINUTE,
    { ...MAIL, operation: 'deleteAll', verdict: 'block', rules: ['rules.mail/no-delete'] },
    {
      decided: { failure: 'boundary-exceeded' },
      completed: {
        layer: 'decide',
        status: 403,
        upstream_ms: 0,
        took_ms: 1,
        code: 'blocked',
        failure: 'boundary-exceeded',
      },
    },
  );
call(
  day(31),
  { ...MAIL, operation: 'send', verdict: 'block', policy_revision: '' },
  {
    decided: { trigger: 'fault', failure: 'policy-wrong' },
    completed: {
      layer: 'decide',
      status: 503,
      upstream_ms: 0,
      took_ms: 1,
      code: 'policy-unavailable',
      failure: 'policy-wrong',
    },
  },
);
call(
  day(31) + MINUTE,
  { ...MAIL, operation: 'send', policy_revision: 'rev-2' },
  {
    decided: { decide_us: 950 },
    completed: { upstream_ms: 2_000, took_ms: 2_004 },
  },
);

/** A month of which everything is known. */
export const smallMonth: readonly Event[] = events;
