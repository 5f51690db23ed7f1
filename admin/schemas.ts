import { z } from 'zod';
import { REJECT_CODES } from '../gateway/domain/hold.ts';

/** Longest note, in characters. The agent reads it, so it is a note and not a document. */
export const NOTE_LENGTH = 4_000;

const time = z.iso.datetime().describe('RFC 3339, UTC');
const holdStatus = z.enum([
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'taken-over',
  'lapsed',
]);
const holdExecution = z.enum([
  'none',
  'releasing',
  'executed',
  'failed',
  'indeterminate',
  'confirmed-executed',
  'confirmed-not',
]);
const note = z.string().max(NOTE_LENGTH).describe('The agent can read it.');
const page = {
  cursor: z.string().min(1).max(500).optional().describe("An earlier answer's `next`."),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};
const name = z.string().min(1).max(200);

export const holdParams = z.object({ id: z.string().max(100).describe('Such as hold_0193e0f7….') });

export const holdQuery = z.strictObject({
  status: holdStatus.optional(),
  system: name.optional(),
  group: name.optional().describe('Only holds routed to this group by name.'),
  agent: name.optional(),
  ...page,
});

export const callQuery = z.strictObject({
  agent: name.optional(),
  system: name.optional(),
  verdict: z.enum(['allow', 'hold', 'block']).optional(),
  ...page,
});

export const ifMatch = z.looseObject({
  'if-match': z.string().optional().describe('Required. The ETag of the hold as you have seen it.'),
});

export const approveBody = z.strictObject({ note: note.optional() }).nullish();
export const rejectBody = z.strictObject({ code: z.enum(REJECT_CODES), note: note.optional() });
export const evaluateBody = z.strictObject({
  input: z.record(z.string(), z.unknown()).describe('As policies see it; see the page for policy authors.'),
});

const decided = z.object({
  by: z.string().nullable(),
  at: time,
  code: z.string().nullable(),
  note: z.string().nullable(),
});

const vote = z.object({
  reviewer: z.string(),
  revision: z.number().int(),
  channel: z.enum(['api', 'console', 'chat']),
  note: z.string().nullable(),
  at: time,
  counts: z.boolean().describe('False for votes on an earlier revision.'),
});

const holdHead = {
  hold_id: z.string(),
  status: holdStatus,
  execution: holdExecution,
  revision: z.number().int(),
  kind: z.enum(['approval']),
  level: z.union([z.literal(2), z.literal(3)]).describe('2: a person approves. 3: a person takes over.'),
  created_at: time,
  expires_at: time,
  redeem_by: time.nullable(),
  decided: decided.nullable(),
};

export const holdSummary = z.object({
  ...holdHead,
  agent: z.object({ id: z.string(), owner: z.string() }),
  action: z.object({ system: z.string(), operation: z.string(), method: z.string(), path: z.string() }),
  policy: z.object({ rules: z.array(z.string()), reason: z.string() }),
  routing: z.object({ groups: z.array(z.string()), quorum: z.number().int(), approvals: z.number().int() }),
});

export const contextPackage = z.object({
  ...holdHead,
  agent: z.object({
    id: z.string(),
    owner: z.string(),
    on_behalf_of: z.array(z.string()),
    session: z.string().nullable().describe("The agent's own claim."),
  }),
  action: z.object({
    system: z.string(),
    operation: z.string(),
    method: z.string(),
    url: z.string().describe('System, path and query, byte for byte as sent.'),
    summary: z.string().describe('Written by the gateway, not by the agent.'),
    target: z.object({ type: z.string(), id: z.string().nullable() }).nullable(),
    amount: z.object({ value: z.union([z.number(), z.string()]), currency: z.string().nullable() }).nullable(),
    headers: z.record(z.string(), z.string()).describe('Those that policies see.'),
    hidden_headers: z.array(z.string()).describe('Names of those whose values are not shown.'),
    body: z.unknown().describe('As policies see it; a number too large for JSON readers is text. Null when opaque.'),
    body_text: z.string().nullable().describe('The exact body, as text; null when it is binary.'),
    body_bytes: z.number().int(),
    complete: z.boolean().describe('Whether the whole of the call is shown. Approve is refused while it is not.'),
    missing: z.string().nullable().describe('What is not shown, and why.'),
    digest: z.string().describe('SHA-256 of what an approval binds to.'),
  }),
  diff: z.object({ current: z.null(), proposed: z.unknown(), edited: z.null() }),
  draft_response: z.unknown().describe("The agent's own words."),
  policy: z.object({
    rules: z.array(z.string()),
    reasons: z.array(z.string()),
    trigger: z.enum(['rule']),
    revision: z.string(),
  }),
  risk: z.object({
    flags: z.array(z.string()),
    confidence: z.number().nullable(),
    reversible: z.boolean().nullable(),
  }),
  claims: z
    .record(z.string(), z.unknown())
    .describe("The agent's own words, verbatim and untrusted: show them as plain text, never decide by them alone."),
  consequence: z.string(),
  routing: z.object({
    groups: z.array(z.string()).describe('Empty: any reviewer.'),
    quorum: z.number().int(),
    approvals: z.number().int(),
    votes: z.array(vote),
    escalates_at: time.nullable(),
  }),
  options: z.array(z.unknown()).describe("The agent's own proposals."),
  editable: z.array(z.string()),
  you_may: z.object({ approve: z.boolean(), reject: z.boolean(), why: z.string().nullable() }),
});

export const policyStatus = z.object({
  revision: z.string().nullable(),
  activated_at: time.nullable(),
  rules: z.array(z.string()),
  refused: z
    .object({ at: time, reason: z.string() })
    .nullable()
    .describe('Why the newest change is not in force; the revision above goes on deciding.'),
});

export const evaluation = z.object({ revision: z.string().nullable(), decision: z.unknown() });

const call = z.object({
  call_id: z.string(),
  at: z.string(),
  agent: z.string(),
  owner: z.string(),
  system: z.string(),
  operation: z.string(),
  method: z.string(),
  path: z.string(),
  verdict: z.string(),
  rules: z.array(z.string()),
  reason: z.string(),
  policy_revision: z.string(),
  decision_id: z.string(),
  hold_id: z.string().nullable(),
  status: z.number().int().nullable(),
});

export const callPage = z.object({ items: z.array(call), next: z.string().nullable() });
export const holdPage = z.object({ items: z.array(holdSummary), next: z.string().nullable() });

export const readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });

export const problem = z
  .object({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string(), code: z.string() })
  .describe('Problem details (RFC 9457). `code` is stable.');

/** The error answers that a route can give, for the API's description. */
export function problemResponses<Status extends number>(...statuses: Status[]) {
  const answer = { description: 'Problem details', content: { 'application/problem+json': { schema: problem } } };
  return Object.fromEntries(statuses.map((status) => [status, answer])) as Record<Status, typeof answer>;
}

export type ContextPackage = z.output<typeof contextPackage>;
export type HoldSummary = z.output<typeof holdSummary>;
