import { z } from 'zod';
import { REJECT_CODES } from '../../gateway/domain/hold.ts';
import { call, cursor, flag, limit, name, time } from './schemas.ts';

const status = z.enum([
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'taken-over',
  'lapsed',
  'answered',
  'accepted',
  'returned',
]);
const execution = z.enum([
  'none',
  'releasing',
  'executed',
  'failed',
  'indeterminate',
  'confirmed-executed',
  'confirmed-not',
]);
const kind = z.enum(['approval', 'exception', 'relay']);

export const rejectCode = z.enum(REJECT_CODES);
export const holdParams = z.object({ id: z.string().max(100).describe('Such as hold_0193e0f7….') });

export const holdQuery = z.strictObject({
  mine: flag.optional().describe('Only what is assigned to you or claimed by you, or by whom you stand in for.'),
  status: status.optional(),
  kind: kind.optional(),
  system: name.optional(),
  agent: name.optional(),
  group: name.optional().describe('Only holds that this group is asked about by name.'),
  overdue: flag.optional().describe('Only what is undecided past its `sla_at`.'),
  cursor,
  limit,
});

const lease = z.object({ by: z.string(), since: time, until: time }).describe('Who is at it. Nobody else may decide.');
const demand = z
  .object({ groups: z.array(z.string()), quorum: z.number().int(), approvals: z.number().int() })
  .describe('So many different people of these groups have to approve. No groups: any reviewer.');
const recipient = z.union([
  z.object({ group: z.string() }),
  z.object({ person: z.string() }),
  z.object({ agent: z.string() }),
]);
const grantTerms = z.object({ uses: z.number().int(), until: time, open: z.array(z.string()) });

const head = {
  hold_id: z.string(),
  version: z.number().int().describe('Counts every change. Of two answers the one with the higher version is newer.'),
  revision: z.number().int().describe('Counts changes to what would be sent. In quotes it is the ETag.'),
  status,
  execution,
  kind,
  level: z.union([z.literal(2), z.literal(3)]).describe('2: a person approves. 3: a person takes over.'),
  created_at: time,
  sla_at: time.describe('Until when people ought to have decided.'),
  overdue: z.boolean().describe('Undecided past `sla_at`.'),
  expires_at: time,
  redeem_by: time.nullable(),
  decided: z
    .object({ by: z.string().nullable(), at: time, code: z.string().nullable(), note: z.string().nullable() })
    .nullable(),
  to: recipient.nullable().describe('To whom an exception or a relay goes; null for anybody.'),
};

const routing = {
  groups: z.array(z.string()).describe('Whose members may decide. Empty: any reviewer.'),
  quorum: z.number().int().describe('The most that any of `demands` asks for.'),
  approvals: z.number().int().describe('How many different people have approved the current revision.'),
  demands: z.array(demand).describe('All of them have to be met.'),
  escalates_at: time.nullable(),
  assignee: z.string().nullable().describe('Whom the gateway suggests.'),
  lease: lease.nullable(),
};

export const holdSummary = z.object({
  ...head,
  agent: z.object({ id: z.string(), owner: z.string() }),
  action: z
    .object({ system: z.string(), operation: z.string(), method: z.string(), path: z.string() })
    .nullable()
    .describe('Null when no call is attached.'),
  policy: z.object({ rules: z.array(z.string()), reason: z.string(), trigger: z.enum(['rule', 'probabilistic']) }),
  claims: z
    .object({ task: z.string().nullable(), confidence: z.number().nullable(), flags: z.array(z.string()) })
    .describe("The agent's own words."),
  routing: z.object(routing),
});

const vote = z.object({
  reviewer: z.string(),
  for: z.string().nullable().describe('In whose place the reviewer voted.'),
  groups: z.array(z.string()).describe('For which it counts.'),
  revision: z.number().int(),
  counts: z.boolean().describe('False for votes on an earlier revision.'),
  channel: z.string(),
  note: z.string().nullable(),
  grant: grantTerms.nullable().describe('For how much more than this call it was given.'),
  seen_at: time.nullable().describe('When the reviewer first saw that revision, as far as that is known.'),
  at: time,
});

const escalation = z.object({
  at: time,
  to: z.array(z.string()),
  by: z.string().nullable().describe("Null: a rule's chain."),
  note: z.string().nullable(),
});

const permission = z.boolean();
export const permissions = z.object({
  claim: permission,
  approve: permission,
  edit: permission,
  reject: permission,
  escalate: permission,
  take_over: permission,
  outcome: permission,
  answer: permission,
  accept: permission,
  return: permission,
  note: permission,
  cancel: permission,
  why: z.string().nullable().describe('Why not approve; null when you may.'),
});

const action = z.object({
  system: z.string(),
  operation: z.string(),
  method: z.string(),
  url: z.string().describe('System, path and query, byte for byte as sent.'),
  tool: z.string().nullable().describe('Of a call over MCP.'),
  summary: z.string().describe('Written by the gateway, not by the agent.'),
  client: z.string().nullable().describe("For whom; the agent's own claim."),
  target: z.object({ type: z.string(), id: z.string().nullable() }).nullable(),
  amount: z.object({ value: z.union([z.number(), z.string()]), currency: z.string().nullable() }).nullable(),
  reversible: z.boolean().nullable().describe("Policy's word; null when it does not say."),
  headers: z.record(z.string(), z.string()).describe('Those that policies see.'),
  hidden_headers: z.array(z.string()).describe('Names of those whose values are not shown.'),
  body: z.unknown().describe('As policies see it; a number too large for JSON readers is text. Null when opaque.'),
  body_text: z.string().nullable().describe('The exact body, as text; null when it is binary.'),
  body_bytes: z.number().int(),
  complete: z.boolean().describe('Whether the whole of the call is shown. Approve is refused while it is not.'),
  missing: z.string().nullable().describe('What is not shown, and why.'),
  digest: z.string().describe('SHA-256 of what an approval binds to.'),
});

const history = z.union([
  z.object({
    available: z.literal(true),
    similar_30d: z.number().int().describe('Calls of this operation by this agent within 30 days.'),
    approved_unchanged_rate: z
      .number()
      .nullable()
      .describe('Of those on which people decided, the share approved as they were; null when there were none.'),
    recent_calls: z.array(call).describe("The agent's last calls."),
  }),
  z.object({ available: z.literal(false), why: z.string() }),
]);

export const contextPackage = z.object({
  ...head,
  agent: z.object({
    id: z.string(),
    owner: z.string(),
    version: z.string().nullable().describe("The agent's own claim."),
    on_behalf_of: z.array(z.string()),
    session: z.string().nullable().describe("The agent's own claim."),
    trace: z.string().nullable().describe('Trace id (W3C Trace Context).'),
  }),
  action: action.nullable().describe('Null when no call is attached.'),
  diff: z
    .object({
      current: z.null().describe('What the system holds now; not known.'),
      proposed: z.unknown().describe('The body as the agent sent it.'),
      edited: z.unknown().describe('The body as people changed it; null when nobody did.'),
      edited_by: z.array(z.string()),
    })
    .nullable(),
  draft_response: z.unknown().describe("The agent's own words."),
  policy: z.object({
    rules: z.array(z.string()),
    reasons: z.array(z.string()),
    trigger: z.enum(['rule', 'probabilistic']),
    revision: z.string(),
  }),
  risk: z
    .object({ flags: z.array(z.string()), confidence: z.number().nullable(), reversible: z.boolean().nullable() })
    .describe('As the agent claims.'),
  claims: z
    .record(z.string(), z.unknown())
    .describe("The agent's own words, verbatim and untrusted: show them as plain text, never decide by them alone."),
  handoff: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('What an exception or a relay was opened with, verbatim; the words of its sender.'),
  artifacts: z.array(z.object({ name: z.string(), type: z.string(), bytes: z.number().int(), sha256: z.string() })),
  answer: z.object({ option: z.string().nullable(), data: z.unknown() }).nullable(),
  history,
  consequence: z.string(),
  cost: z.object({ amount: z.number(), unit: z.string() }).nullable().describe('What policy says that the call costs.'),
  routing: z.object({ ...routing, votes: z.array(vote), escalations: z.array(escalation) }),
  options: z.array(z.unknown()).describe("The agent's own proposals."),
  editable: z.array(z.string()).describe('JSON pointers into the body that an approval may change.'),
  notes: z.array(z.object({ by: z.string(), at: time, text: z.string() })).describe('Between reviewers.'),
  outcome: z
    .object({
      result: z.enum(['executed', 'not-executed']),
      reference: z.string().nullable(),
      note: z.string().nullable(),
      by: z.string(),
      at: time,
    })
    .nullable(),
  grant: z.string().nullable().describe('The grant that approved it instead of people.'),
  attempt: z
    .object({ number: z.number().int(), at: time, by: z.string(), idempotency_key: z.string() })
    .nullable()
    .describe('The latest attempt to send it.'),
  resend_at: time.nullable().describe('When a call of unknown outcome is sent once more under the same key.'),
  upstream_status: z.number().int().nullable(),
  you_may: permissions,
  you_voted: z.boolean().describe('On the current revision.'),
});

export type ContextPackage = z.output<typeof contextPackage>;
export type HoldSummary = z.output<typeof holdSummary>;
export type Permissions = z.output<typeof permissions>;
