import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { AdminDeps } from '../../admin/deps.ts';
import { registerHoldMetrics } from '../../admin/metrics.ts';
import { buildAdmin } from '../../admin/server.ts';
import { createAmend } from '../../gateway/holds/amend.ts';
import { amendCall, changedPlaces } from '../../gateway/describe/http/amend.ts';
import type { Decision, HoldTerms, Requirement } from '../../gateway/domain/decision.ts';
import type { Artifact } from '../../gateway/domain/handoff.ts';
import type { HandoffDraft, HoldDraft } from '../../gateway/domain/hold-store.ts';
import type { Reviewer } from '../../gateway/domain/principal.ts';
import { UnknownReport } from '../../gateway/domain/report.ts';
import { openables } from '../../gateway/holds/coverage.ts';
import { transition } from '../../gateway/holds/machine.ts';
import { approvedBy, demands } from '../../gateway/holds/quorum.ts';
import { openHoldStore, type OwnedStore } from '../../gateway/holds/store/store.ts';
import { emptyCallLog, emptyReviewRecord } from '../helpers/call-log.ts';
import { createSignInLinks } from '../../gateway/identify/sign-in-links.ts';
import { hashToken } from '../../gateway/identify/token.ts';
import {
  digest,
  draft,
  handoffDraft,
  KEY,
  MINUTE,
  requirement as plainRequirement,
  reviewer,
  terms,
} from '../helpers/hold.ts';

/** Who may sign in, each with their name and `-token`. Ana owns the agent; Fay is the only leader. */
const PEOPLE: Readonly<Record<string, Reviewer>> = {
  'ben-token': reviewer('ben'),
  'cleo-token': reviewer('cleo'),
  'ana-token': reviewer('ana'),
  'dan-token': reviewer('dan', ['legal']),
  'fay-token': reviewer('fay', ['finance-leads']),
  'eve-token': reviewer('eve', ['finance'], ['analyst']),
  'olga-token': reviewer('olga', [], ['operator']),
};

const AGENTS = [
  { id: 'billing-bot', owner: 'ana@example.com', roles: ['payer'], systems: ['payments'] },
  { id: 'mail-bot', owner: 'ben@example.com', roles: [], systems: ['mail'] },
];

/** So many people of these groups, and the leaders of finance after ten minutes. */
export function requirement(groups: readonly string[], quorum = 1): Requirement {
  return plainRequirement(groups, quorum, [{ after: 10 * MINUTE, to: ['finance-leads'] }]);
}

export const TERMS = terms({ requirements: [requirement(['finance'])], respondWithin: 5 * MINUTE });

export const REFUND = '{"amount":50000,"currency":"usd","charge":"ch_1"}';
const TRACE = 'a'.repeat(32);

/** What opens a hold for a refund. The body says what it is; everything else is the same each time. */
export function refund(
  body: Buffer | string = REFUND,
  asked: Partial<HoldTerms> = {},
  changes: Partial<HoldDraft> = {},
): HoldDraft {
  const bytes = Buffer.from(body);
  const headers = [
    ['Content-Type', 'application/json'],
    ['Authorization', 'Bearer agent-secret'],
    ['X-Odd', '1'],
    ['Traceparent', `00-${TRACE}-${'b'.repeat(16)}-01`],
  ].flat();
  const json = typeof body === 'string' ? `,"body_bytes":${bytes.length},"body":${body}` : '';
  const claims = `{"task":"T-1","client":"ACME","version":"1.2","summary":"<b>safe!</b>","draft_response":"Dear…","options":["escalate_to_legal"]}`;
  const input = `{"principal":{"agent":"billing-bot","session":"s-1"},"action":{"headers":{"content-type":"application/json"}${json}},"resource":{"type":"refunds","id":null},"context":{"flags":["unusual"],"confidence":0.4,"reversible":false,"claims":${claims}}}`;
  const call = { method: 'POST', target: '/v1/refunds?a=1', headers, body: bytes, input };
  return draft(0, {
    callId: 'call_1',
    decisionId: 'dec_1',
    terms: { ...TERMS, ...asked },
    cost: { amount: 150, unit: 'USD' },
    traceId: TRACE,
    call,
    ...changes,
  });
}

export const FORM = {
  task: 'T-9',
  client: 'ACME',
  summary: 'Which invoice?',
  draft_response: 'Dear ACME…',
  confidence: 0.5,
  flags: ['angry'],
  recommended_action: 'refund',
  options: ['refund', { id: 'wait', label: 'Wait' }, 'escalate_to_legal'],
  own: { member: [1, null] },
};

/** What opens an exception or a relay. */
export function handoff(kind: 'exception' | 'relay', changes: Partial<HandoffDraft> = {}): HandoffDraft {
  return handoffDraft(kind, {
    kind,
    decisionId: 'dec_1',
    digest: kind.padEnd(64, '0'),
    terms: { ...TERMS, editable: [] },
    reason: `billing-bot opened an ${kind}`,
    form: FORM,
    artifacts: [],
    traceId: null,
    ...changes,
  });
}

export function artifact(name: string, content: string | Buffer, type = 'text/plain'): Artifact {
  const bytes = Buffer.from(content);
  return { name, type, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), content: bytes };
}

/** Whoever would pay out more than this is blocked by policy. */
const BLOCKED_ABOVE = 100_000;

/** A policy of one line. */
function decide(input: string): Decision {
  type Amount = { readonly amount?: number };
  const { action } = JSON.parse(input) as { action: { body?: Amount; arguments?: Amount } };
  const { amount = 0 } = action.arguments ?? action.body ?? {};
  const verdict = amount > BLOCKED_ABOVE ? 'block' : 'hold';
  return {
    id: 'dec_2',
    verdict,
    rules: refund().rules,
    reason: verdict === 'block' ? 'more than anybody may refund' : 'more than 100 USD',
    obligations: [],
    alert: [],
    terms: verdict === 'hold' ? TERMS : null,
    cost: null,
    policyRevision: 'p2',
    fault: null,
    decideMicros: 1,
  };
}

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: never;
};

export type Asking = {
  readonly who?: string | null;
  readonly ifMatch?: string | null;
  readonly body?: unknown;
  readonly type?: string;
  readonly channel?: string;
};

/** The admin listener on a real socket over a real store. */
export type Desk = {
  readonly url: string;
  readonly store: OwnedStore;
  readonly logged: object[];
  now: number;
  /** Opens a hold for a refund and gives its identifier. */
  hold(...of: Parameters<typeof refund>): Promise<string>;
  handoff(...of: Parameters<typeof handoff>): Promise<string>;
  /** `who` is a reviewer's name; null sends no credential. */
  get(path: string, who?: string | null): Promise<Answer>;
  post(path: string, asking?: Asking): Promise<Answer>;
  put(path: string, asking?: Asking): Promise<Answer>;
  delete(path: string, asking?: Asking): Promise<Answer>;
  close(): Promise<void>;
};

export async function openDesk(
  overrides: Partial<AdminDeps> & { readonly compose?: Parameters<typeof openHoldStore>[0]['compose'] } = {},
): Promise<Desk> {
  const { compose = () => [], ...replaced } = overrides;
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-admin-'));
  const logged: object[] = [];
  const log = (fields: object) => void logged.push(fields);
  const clock = () => desk.now;
  const store = await openHoldStore({
    file: join(folder, 'holds.sqlite'),
    key: KEY,
    node: 'test',
    clock,
    reviewers: Object.values(PEOPLE),
    compose,
  });
  const registry = new Registry();
  registerHoldMetrics(registry, () => store.counts());
  const app = buildAdmin({
    ...store,
    transition,
    demands: (hold) => demands(hold).map((demand) => ({ ...demand, approvals: approvedBy(hold, demand) })),
    openables,
    looked: () => {},
    inFlight: async () => ({ work: [], others: 0, complete: true }),
    toolDefinition: async () => null,
    amend: createAmend({ decide, digest, edit: { amendCall, changedPlaces }, repeated: async () => null }),
    changedPlaces,
    bodySchema: () => null,
    peopleToLift: () => 1,
    people: () => Object.values(PEOPLE),
    agents: () => AGENTS,
    dayUsage: () => null,
    systems: () => ['payments', 'mail'],
    declaredOperations: async () => [],
    config: () => ({ since: 0, needsRestart: [], refused: null }),
    calls: emptyCallLog,
    reviews: emptyReviewRecord,
    reports: { list: () => [], run: () => Promise.reject(new UnknownReport('There are no reports here.')) },
    policy: {
      status: () => ({
        revision: 'p1',
        activatedAt: 0,
        rules: ['rules.payments/refund-over-limit'],
        sources: [],
        refused: null,
      }),
      evaluate: (input) => ({ verdict: 'block', saw: input }),
      misfits: () => [],
      ruleText: (revision, { file, line }) => `${revision} ${file}:${line}`,
    },
    authenticate: (token) => PEOPLE[token] ?? null,
    tokenHashes: (id) =>
      Object.entries(PEOPLE).flatMap(([token, person]) => (person.id === id ? [hashToken(token)] : [])),
    links: createSignInLinks(KEY, clock),
    consoleUrl: () => new URL(desk.url),
    consoleFiles: join(folder, 'dist'),
    metrics: { contentType: registry.contentType, render: () => registry.metrics() },
    readiness: () => ({ ready: true, checks: { store: 'ok' } }),
    log: { info: log, error: log },
    clock,
    ...replaced,
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

  const write =
    (method: string) =>
    (path: string, { who = 'ben', ifMatch = '"1"', body, type = 'application/json', channel }: Asking = {}) =>
      send(path, {
        method,
        headers: {
          ...credential(who),
          ...(ifMatch === null ? {} : { 'if-match': ifMatch }),
          ...(body === undefined ? {} : { 'content-type': type }),
          ...(channel === undefined ? {} : { 'holdpoint-channel': channel }),
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });

  const desk: Desk = {
    url,
    store,
    logged,
    now: Date.now(),
    hold: async (...of) => (await store.holds.open(refund(...of))).hold.id,
    handoff: async (...of) => (await store.holds.openHandoff(handoff(...of))).hold.id,
    get: (path, who = 'ben') => send(path, { headers: credential(who) }),
    post: write('POST'),
    put: write('PUT'),
    delete: write('DELETE'),
    async close() {
      await app.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
  return desk;
}
