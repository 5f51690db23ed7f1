import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { AdminDeps } from '../../admin/deps.ts';
import { registerHoldMetrics } from '../../admin/metrics.ts';
import { buildAdmin } from '../../admin/server.ts';
import type { HoldTerms } from '../../gateway/domain/decision.ts';
import type { HoldDraft } from '../../gateway/domain/hold.ts';
import type { Reviewer } from '../../gateway/domain/principal.ts';
import { actionDigest } from '../../gateway/holds/digest.ts';
import { transition } from '../../gateway/holds/machine.ts';
import { openHoldStore, type OwnedHoldStore } from '../../gateway/holds/store.ts';

const REVIEWERS: Readonly<Record<string, Reviewer>> = {
  'ben-token': { id: 'ben@example.com', groups: ['finance'], roles: ['reviewer'] },
  'cleo-token': { id: 'cleo@example.com', groups: ['finance'], roles: ['reviewer'] },
  'ana-token': { id: 'ana@example.com', groups: ['finance'], roles: ['reviewer'] },
  'dan-token': { id: 'dan@example.com', groups: ['legal'], roles: ['reviewer'] },
  'eve-token': { id: 'eve@example.com', groups: ['finance'], roles: ['analyst'] },
};

export const TERMS: HoldTerms = {
  level: 2,
  reviewers: ['finance'],
  quorum: 1,
  expiresIn: 1_800_000,
  escalate: [{ after: 600_000, to: ['finance-leads'] }],
  editable: ['/amount'],
  ownerMayApprove: false,
};

export const REFUND = '{"amount":50000,"currency":"usd","charge":"ch_1"}';

/** What opens a hold for a refund. The body says what it is; everything else is the same each time. */
export function refund(body: Buffer | string = REFUND, terms: Partial<HoldTerms> = {}): HoldDraft {
  const bytes = Buffer.from(body);
  const headers = ['Content-Type', 'application/json', 'Authorization', 'Bearer agent-secret', 'X-Odd', '1'];
  const json = typeof body === 'string' ? `,"body":${body}` : '';
  const input = `{"principal":{"agent":"billing-bot","session":"s-1"},"action":{"headers":{"content-type":"application/json"}${json}},"resource":{"type":"refunds","id":null},"context":{"flags":["unusual"],"confidence":0.4,"reversible":false,"claims":{"task":"T-1","summary":"<b>safe!</b>","draft_response":"Dear…","options":["escalate_to_legal"]}}}`;
  return {
    principal: { agent: 'billing-bot', owner: 'ana@example.com', roles: ['payer'], onBehalfOf: [] },
    callId: 'call_1',
    decisionId: 'dec_1',
    system: 'payments',
    operation: 'createRefund',
    method: 'POST',
    path: '/v1/refunds',
    digest: actionDigest({
      agent: 'billing-bot',
      onBehalfOf: [],
      method: 'POST',
      url: '/payments/v1/refunds?a=1',
      headers,
      body: bytes,
    }),
    idempotencyKey: null,
    rules: [{ id: 'rules.payments/refund-over-limit', verdict: 'hold', reason: 'more than 100 USD' }],
    reason: 'more than 100 USD',
    policyRevision: 'p1',
    terms: { ...TERMS, ...terms },
    handle: false,
    traceId: null,
    call: { method: 'POST', target: '/v1/refunds?a=1', headers, body: bytes, input },
  };
}

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: never;
};

/** The admin listener on a real socket over a real store. */
export type Desk = {
  readonly url: string;
  readonly store: OwnedHoldStore;
  readonly logged: object[];
  now: number;
  /** `who` is a reviewer's name; null sends no credential. */
  get(path: string, who?: string | null): Promise<Answer>;
  post(
    path: string,
    options: { who?: string | null; ifMatch?: string | null; body?: unknown; type?: string },
  ): Promise<Answer>;
  close(): Promise<void>;
};

export async function openDesk(overrides: Partial<AdminDeps> = {}): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-admin-'));
  const logged: object[] = [];
  const log = (fields: object) => void logged.push(fields);
  const clock = () => desk.now;
  const store = await openHoldStore({
    file: join(folder, 'holds.sqlite'),
    key: Buffer.alloc(32, 7),
    node: 'test',
    clock,
  });
  const registry = new Registry();
  registerHoldMetrics(registry, () => store.counts());
  const app = buildAdmin({
    holds: store,
    transition,
    calls: { recent: async () => ({ items: [], next: null }) },
    policy: {
      status: () => ({ revision: 'p1', activatedAt: 0, rules: ['rules.payments/refund-over-limit'], refused: null }),
      evaluate: (input) => ({ verdict: 'block', saw: input }),
    },
    authenticate: (token) => REVIEWERS[token] ?? null,
    metrics: { contentType: registry.contentType, render: () => registry.metrics() },
    readiness: () => ({ ready: true, checks: { store: 'ok' } }),
    log: { info: log, error: log },
    clock,
    ...overrides,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  async function send(path: string, init: RequestInit): Promise<Answer> {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : null;
    return { status: response.status, headers: response.headers, text, json: json as never };
  }
  const credential = (who: string | null): Record<string, string> =>
    who === null ? {} : { authorization: `Bearer ${who}-token` };

  const desk: Desk = {
    url,
    store,
    logged,
    now: Date.now(),
    get: (path, who = 'ben') => send(path, { headers: credential(who) }),
    post: (path, { who = 'ben', ifMatch = '"1"', body, type = 'application/json' }) =>
      send(path, {
        method: 'POST',
        headers: {
          ...credential(who),
          ...(ifMatch === null ? {} : { 'if-match': ifMatch }),
          ...(body === undefined ? {} : { 'content-type': type }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    async close() {
      await app.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
  return desk;
}
