import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../../../gateway/domain/event.ts';
import type { Hold, Vote } from '../../../../gateway/domain/hold.ts';
import {
  NOTIFICATION_KINDS,
  type NotificationDraft,
  type NotificationKind,
  type NotificationTrigger,
} from '../../../../gateway/domain/notification.ts';
import { newHold } from '../../../../gateway/holds/new-hold.ts';
import { createCompose } from '../../../../gateway/holds/notify/compose.ts';
import type { NotificationMessage } from '../../../../gateway/holds/notify/notification-message.ts';
import type { NotifyConfig } from '../../../../gateway/holds/notify/notify-config.ts';
import { slackMessage } from '../../../../gateway/holds/notify/slack-message.ts';
import { facts, headline } from '../../../../gateway/holds/notify/wording.ts';
import { aHandoff, aHold, MINUTE, ONE_OF_FINANCE, reviewer } from '../../../helpers/hold.ts';
import { CONSOLE, NOTHING, SECRET } from './a-notification.ts';

const NOW = Date.parse('2026-11-24T10:00:00Z');
const REVIEWERS = [
  reviewer('ana'),
  reviewer('bea'),
  reviewer('carl', ['finance', 'legal']),
  reviewer('dora', ['legal']),
  reviewer('otto', ['finance'], ['operator']),
  { id: 'nomail', groups: ['finance'], roles: ['reviewer'] },
];
const EVERYWHERE: NotifyConfig = {
  webhooks: {
    all: { url: 'https://all.example.com', secret: SECRET },
    finance: { url: 'https://finance.example.com', secret: SECRET, groups: ['finance'] },
    legal: { url: 'https://legal.example.com', secret: SECRET, groups: ['legal'] },
  },
  slack: { finance: { url: 'https://slack.example.com', groups: ['finance'] } },
  email: { url: 'smtp://mail.example.com', from: 'Holdpoint <holdpoint@example.com>' },
};

/** `channel` or `channel to`, in the order in which they are written; `*` for all who were told of the hold. */
function told(trigger: NotificationTrigger, config = EVERYWHERE): string[] {
  return createCompose(
    config,
    REVIEWERS,
    CONSOLE,
  )(trigger).map(({ channel, to }) => [channel ?? '*', to].filter(Boolean).join(' '));
}

function of(kind: Exclude<NotificationKind, 'alert'>, hold: Hold, at = NOW): NotificationTrigger {
  return { kind, hold, at };
}

function vote(reviewer: string, revision: number): Vote {
  return {
    reviewer,
    for: null,
    groups: ['finance'],
    revision,
    channel: 'api',
    note: null,
    grant: null,
    seenAt: null,
    at: NOW,
  };
}

const HOLD_KINDS = NOTIFICATION_KINDS.filter((kind) => kind !== 'alert');
const IN_FINANCE = ['webhook/all', 'webhook/finance', 'slack/finance'];

describe('who is told', () => {
  test('no message is made where nothing is configured', () => {
    expect(HOLD_KINDS.flatMap((kind) => told(of(kind, aHold(NOW)), NOTHING))).toEqual([]);
  });

  test('a new hold is told to the places of the groups that may decide, and by mail to its assignee', () => {
    expect(told(of('opened', aHold(NOW, { assignee: 'bea@example.com' })))).toEqual([
      ...IN_FINANCE,
      'email bea@example.com',
    ]);
  });

  test('a new hold without an assignee that mail reaches is told to every member who may decide, never to the owner', () => {
    const members = [...IN_FINANCE, 'email bea@example.com', 'email carl@example.com'];
    expect(told(of('opened', aHold(NOW)))).toEqual(members);
    expect(told(of('opened', aHold(NOW, { assignee: 'nomail' })))).toEqual(members);
  });

  test('a new hold is told to the owner too where the rule lets owners approve', () => {
    const hold = aHold(NOW, { terms: { ...ONE_OF_FINANCE, ownerMayApprove: true } });
    expect(told(of('opened', hold))).toContain('email ana@example.com');
  });

  test('a new hold is not mailed to a person on whose behalf the call is made', () => {
    const principal = { agent: 'billing-bot', owner: 'ana@example.com', roles: [], onBehalfOf: ['bea@example.com'] };
    expect(told(of('opened', aHold(NOW, { principal })))).toEqual([...IN_FINANCE, 'email carl@example.com']);
  });

  test('a new hold is told to all places and all reviewers where any reviewer may decide', () => {
    const terms = { ...ONE_OF_FINANCE, requirements: [{ groups: [], quorum: 1, escalate: [] }] };
    expect(told(of('opened', aHold(NOW, { terms })))).toEqual([
      'webhook/all',
      'webhook/finance',
      'webhook/legal',
      'slack/finance',
      'email bea@example.com',
      'email carl@example.com',
      'email dora@example.com',
    ]);
  });

  test('a reminder goes to the lease holder, else to the assignee', () => {
    const lease = { by: 'carl@example.com', since: NOW, until: NOW + 5 * MINUTE };
    const hold = aHold(NOW, { assignee: 'bea@example.com', lease });
    expect(told(of('reminder', hold))).toEqual([...IN_FINANCE, 'email carl@example.com']);
    expect(told(of('reminder', hold, NOW + 5 * MINUTE))).toEqual([...IN_FINANCE, 'email bea@example.com']);
  });

  test('an escalation is told to the groups that it adds, and to no others', () => {
    const brought = (at: number, to: string) => ({ at, to: [to], by: null, note: null, requirement: 0 });
    const hold = aHold(NOW, {
      assignee: 'bea@example.com',
      escalations: [brought(NOW - 1, 'leads'), brought(NOW, 'legal')],
    });
    expect(told(of('escalated', hold))).toEqual([
      'webhook/all',
      'webhook/legal',
      'email carl@example.com',
      'email dora@example.com',
    ]);
  });

  test('an edit is told to earlier approvers and to those who have to look now, but not to the editor', () => {
    const hold = aHold(NOW, {
      revision: 2,
      votes: [vote('dora@example.com', 1), vote('bea@example.com', 1), vote('bea@example.com', 2)],
      editors: ['bea@example.com'],
    });
    for (const kind of ['edited', 'reopened'] as const)
      expect(told(of(kind, hold))).toEqual([...IN_FINANCE, 'email dora@example.com', 'email carl@example.com']);
  });

  test('expiry and an unknown outcome are told to the accountable owner and to the people asked', () => {
    const hold = aHold(NOW, { assignee: 'bea@example.com' });
    for (const kind of ['expired', 'indeterminate'] as const)
      expect(told(of(kind, hold))).toEqual([
        ...IN_FINANCE,
        'email ana@example.com',
        'email bea@example.com',
        ...(kind === 'expired' ? ['*'] : []),
      ]);
  });

  test('what became of a hold is told to webhooks, and to the people who were told of the hold', () => {
    for (const kind of ['decided', 'withdrawn', 'confirmed'] as const)
      expect(told(of(kind, aHold(NOW, { status: 'approved' })))).toEqual(['webhook/all', 'webhook/finance', '*']);
  });

  test('what became of a hold is told where people were asked, whatever `events` says', () => {
    const slack = { finance: { url: 'https://slack.example.com', events: ['opened'] } } as const;
    expect(told(of('decided', aHold(NOW)), { webhooks: {}, slack })).toEqual(['*']);
    expect(told(of('expired', aHold(NOW)), { webhooks: {}, slack })).toEqual(['*']);
    expect(told(of('decided', aHold(NOW)), { webhooks: {}, slack: {} })).toEqual([]);
  });

  test('mail is needed only if nobody reacts where a chat message asks the same person', () => {
    const unanswered = (trigger: NotificationTrigger, config = EVERYWHERE) =>
      createCompose(
        config,
        REVIEWERS,
        CONSOLE,
      )(trigger)
        .filter(({ ifUnanswered }) => ifUnanswered)
        .map(({ to }) => to);
    const terms = { ...ONE_OF_FINANCE, requirements: [{ groups: [], quorum: 1, escalate: [] }] };
    // Dora is in legal, which has no channel.
    expect(unanswered(of('opened', aHold(NOW, { terms })))).toEqual(['bea@example.com', 'carl@example.com']);
    expect(unanswered(of('opened', aHold(NOW, { terms })), { ...EVERYWHERE, slack: {} })).toEqual([]);
    // An event left out of the channel's `events` is asked by mail alone.
    const slack = { finance: { ...EVERYWHERE.slack['finance']!, events: ['opened'] } } as const;
    expect(unanswered(of('reminder', aHold(NOW)), { ...EVERYWHERE, slack })).toEqual([]);
    for (const kind of ['expired', 'indeterminate'] as const) expect(unanswered(of(kind, aHold(NOW)))).toEqual([]);
  });

  test('a call that policy blocked with an alert is told to the groups that the rule names', () => {
    const event: Event = { event_id: 'evt_1', at: NOW, node: 'n', type: 'call.decided', layer: 'decide' };
    expect(told({ kind: 'alert', event, groups: ['legal'], at: NOW })).toEqual([
      'webhook/all',
      'webhook/legal',
      'email carl@example.com',
      'email dora@example.com',
    ]);
  });

  test('a question to one person is told to that person, and to no group before it is escalated', () => {
    const hold = aHandoff(NOW, 'exception', { to: { person: 'dora@example.com' }, assignee: 'dora@example.com' });
    expect(told(of('opened', hold))).toEqual(['webhook/all', 'email dora@example.com']);
  });

  test('a relay to another agent is told to no person', () => {
    const hold = aHandoff(NOW, 'relay', { to: { agent: 'other-bot' } });
    expect(told(of('opened', hold))).toEqual(['webhook/all']);
  });

  test('an event left out of `events` is not told', () => {
    const { webhooks, slack, email } = EVERYWHERE;
    const config: NotifyConfig = {
      webhooks: { all: { ...webhooks['all']!, events: ['expired'] } },
      slack: { finance: { ...slack['finance']!, events: ['reminder'] } },
      email: { ...email!, events: ['opened'] },
    };
    const hold = aHold(NOW, { assignee: 'bea@example.com' });
    expect(told(of('opened', hold), config)).toEqual(['email bea@example.com']);
    expect(told(of('reminder', hold), config)).toEqual(['slack/finance']);
    expect(told(of('expired', hold), config)).toEqual(['webhook/all', '*']);
    expect(told(of('edited', hold), config)).toEqual([]);
  });
});

describe('what is told', () => {
  const compose = createCompose(EVERYWHERE, REVIEWERS, `${CONSOLE}/`);
  const messageOf = (draft: NotificationDraft | undefined) => JSON.parse(draft!.payload) as NotificationMessage;

  test('a message about a hold says who wants what, who may decide until when, and where', () => {
    const held = aHold(NOW, { assignee: 'bea@example.com' });
    const allows = { id: 'rules.payments/refund', verdict: 'allow', reason: null, trigger: 'rule' } as const;
    const hold = { ...held, rules: [...held.rules, allows] };
    const [draft] = compose(of('opened', hold, NOW + 5));
    expect(draft).toMatchObject({ kind: 'opened', holdId: hold.id, channel: 'webhook/all', to: null });
    expect(messageOf(draft)).toEqual({
      type: 'hold.opened',
      timestamp: '2026-11-24T10:00:00.005Z',
      data: {
        hold_id: hold.id,
        kind: 'approval',
        status: 'pending',
        execution: 'none',
        revision: 1,
        level: 2,
        system: 'payments',
        operation: 'POST /v1/refunds',
        agent: 'billing-bot',
        owner: 'ana@example.com',
        reason: 'too much',
        rules: ['rules.payments/refund-over-limit'],
        groups: ['finance'],
        assignee: 'bea@example.com',
        created_at: '2026-11-24T10:00:00.000Z',
        sla_at: '2026-11-24T10:15:00.000Z',
        expires_at: '2026-11-24T10:30:00.000Z',
        decided_at: null,
        decided_by: null,
        code: null,
        url: `https://holdpoint.example.com/holds/${hold.id}`,
      },
    });
  });

  test('a message about an alert says which call, and why', () => {
    const event: Event = {
      event_id: 'evt_1',
      at: NOW,
      node: 'n',
      type: 'call.decided',
      layer: 'decide',
      call_id: 'call_1',
      decision_id: 'dec_1',
      agent: 'billing-bot',
      owner: 'ana@example.com',
      system: 'payments',
      operation: 'POST /v1/payouts',
      path: '/v1/payouts/private',
      task: 'private task',
      reason: 'payouts are for people',
      rules: ['rules.payments/payout'],
    };
    const [draft] = compose({ kind: 'alert', event, groups: ['legal'], at: NOW });
    expect(draft).toMatchObject({ kind: 'alert', holdId: null });
    expect(messageOf(draft)).toEqual({
      type: 'call.blocked',
      timestamp: '2026-11-24T10:00:00.000Z',
      data: {
        call_id: 'call_1',
        decision_id: 'dec_1',
        system: 'payments',
        operation: 'POST /v1/payouts',
        agent: 'billing-bot',
        owner: 'ana@example.com',
        reason: 'payouts are for people',
        rules: ['rules.payments/payout'],
        groups: ['legal'],
        url: 'https://holdpoint.example.com/',
      },
    });
  });

  test.each(['<', '*', '&'])('a message has no more of a reason of %s than fits into any channel', (char) => {
    const [draft] = compose(of('opened', aHold(NOW, { reason: char.repeat(100_000) })));
    const { reason } = messageOf(draft).data;
    expect(reason.replaceAll(char, '')).toBe('…');
    const { blocks } = slackMessage(messageOf(draft)) as unknown as { blocks: { text?: { text: string } }[] };
    // Slack refuses a section that is longer.
    expect(blocks[0]!.text!.text.length).toBeLessThan(3000);
  });

  test('an agent writes neither a line of its own nor markup nor hidden characters into a message (YishenTu/claudian#923)', () => {
    const operation =
      'POST /held/\u202e*bold*\n:white_check_mark: Approved by Ben\u{e0100} [x](y) @channel _i_ a_b `c`';
    const [draft] = compose(of('opened', aHold(NOW, { operation, reason: operation })));
    const message = messageOf(draft);
    for (const said of [headline(message), message.data.reason, ...facts(message).flat()]) {
      for (const char of ['\n', '\u202e', '\u{e0100}']) expect(said).not.toContain(char);
    }
    expect(headline(message)).toContain('POST /held/\\u{202e}*bold* :white_check_mark: Approved by Ben\\u{e0100}');
    const { text } = slackMessage(message);
    expect(text.split('\n')).toHaveLength(4);
    expect(text).toContain('\\u{2a}bold\\u{2a} \\u{3a}white_check_mark: Approved');
    expect(text).toContain('[x\\u{5d}(y) \\u{40}channel \\u{5f}i\\u{5f} a_b \\u{60}c\\u{60}');
  });

  test('a message never contains what was sent, nor anybody’s own words', () => {
    fc.assert(
      fc.property(fc.constantFrom(...HOLD_KINDS), fc.stringMatching(/^[a-zA-Z0-9]{12,40}$/), (kind, text) => {
        const secret = `S3CR3T${text}`;
        const drafts = [callFullOf(secret), relayFullOf(secret)].map((hold) => compose(of(kind, hold)));
        for (const some of drafts) expect(some.length).toBeGreaterThan(0);
        for (const draft of drafts.flat()) {
          const message = messageOf(draft);
          const said = [
            draft.payload,
            JSON.stringify(slackMessage(message)),
            headline(message),
            facts(message).flat().join('\n'),
          ];
          expect(said.join('\n')).not.toContain(secret);
        }
      }),
    );
  });
});

/** The secret stands wherever an agent or a person may have put one. */
function callFullOf(secret: string): Hold {
  const base = aHold(NOW);
  const body = Buffer.from(JSON.stringify({ note: secret }));
  const headers = ['authorization', `Bearer ${secret}`, 'x-note', secret];
  const hold = newHold(
    {
      ...base,
      path: `/v1/refunds/${secret}`,
      idempotencyKey: secret,
      claims: { session: secret, task: secret, confidence: 0.5, flags: [secret], reversible: true },
      call: { method: 'POST', target: `/v1/refunds?key=${secret}`, headers, body, input: JSON.stringify({ secret }) },
      traceId: secret,
    },
    NOW,
    null,
  );
  return {
    ...hold,
    note: secret,
    notes: [{ by: 'bea@example.com', at: NOW, text: secret }],
    votes: [{ ...vote('bea@example.com', 1), note: secret }],
    escalations: [{ at: NOW, to: ['legal'], by: 'bea@example.com', note: secret, requirement: null }],
    outcome: { result: 'executed', reference: secret, note: secret, by: 'bea@example.com', at: NOW },
    attempt: { id: 'att_1', by: 'control', at: NOW, key: secret, number: 1 },
  };
}

function relayFullOf(secret: string): Hold {
  return aHandoff(NOW, 'relay', {
    idempotencyKey: secret,
    claims: { session: secret, task: secret, confidence: 0.5, flags: [secret], reversible: true },
    note: secret,
    notes: [{ by: 'bea@example.com', at: NOW, text: secret }],
    artifacts: [{ name: secret, type: 'text/plain', bytes: 1, sha256: secret }],
  });
}

test('a message names no secret that a rule or a path quoted', () => {
  const hold = aHold(NOW, {
    reason: 'The card 4111 1111 1111 1111 was named.',
    operation: 'POST /v1/notes/password=hunter2',
  });
  const drafts = createCompose(EVERYWHERE, REVIEWERS, CONSOLE)(of('opened', hold));
  expect(drafts.length).toBeGreaterThan(3);
  const said = JSON.stringify(drafts);
  expect(said).toContain('The card *** was named.');
  expect(said).not.toMatch(/4111|hunter2/);
});
