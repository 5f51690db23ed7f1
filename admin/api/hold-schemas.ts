import { z } from 'zod';
import { HOLD_EXECUTIONS, HOLD_KINDS, HOLD_STATUSES, REJECT_CODES } from '../../gateway/domain/hold.ts';
import { call, cursor, flag, limit, name, time } from './schemas.ts';

const status = z.enum(HOLD_STATUSES);
const execution = z.enum(HOLD_EXECUTIONS);
const kind = z.enum(HOLD_KINDS);

export const rejectCode = z.enum(REJECT_CODES);
export const holdParams = z.object({ id: z.string().max(100).describe('Such as hold_0193e0f7….') });

export const holdQuery = z.strictObject({
  mine: flag.optional().describe('Only holds assigned to or claimed by you or a person you deputise for.'),
  status: status.optional(),
  kind: kind.optional(),
  system: name.optional(),
  agent: name.optional(),
  group: name.optional().describe('Only holds that name this group.'),
  overdue: flag.optional().describe('Only holds still undecided after `sla_at`.'),
  order: z
    .enum(['newest', 'due'])
    .default('newest')
    .describe(
      '`due`: only pending holds, sorted by service level, next escalation or end, whichever is first. Overdue holds come first.',
    ),
  cursor,
  limit,
});

const lease = z
  .object({ by: z.string(), since: time, until: time })
  .describe('The reviewer who claimed the hold. No other reviewer may decide.');
const demand = z
  .object({ groups: z.array(z.string()), quorum: z.number().int(), approvals: z.number().int() })
  .describe('How many different members of these groups must approve. No groups: any reviewer.');
const recipient = z.union([
  z.object({ group: z.string() }),
  z.object({ person: z.string() }),
  z.object({ agent: z.string() }),
]);
const grantTerms = z.object({ uses: z.number().int(), until: time, open: z.array(z.string()) });

const head = {
  hold_id: z.string(),
  version: z.number().int().describe('Incremented by every change. Of two responses the higher version is newer.'),
  revision: z.number().int().describe('Incremented when the call to be sent changes. In quotes it is the ETag.'),
  status,
  execution,
  kind,
  level: z.union([z.literal(2), z.literal(3)]).describe('2: a person approves. 3: a person takes over.'),
  created_at: time,
  sla_at: time.describe('When a decision is due.'),
  overdue: z.boolean().describe('Still undecided after `sla_at`.'),
  expires_at: time,
  redeem_by: time.nullable(),
  decided: z
    .object({ by: z.string().nullable(), at: time, code: z.string().nullable(), note: z.string().nullable() })
    .nullable(),
  to: recipient.nullable().describe('The recipient of an exception or a relay; null for any reviewer.'),
};

const routing = {
  groups: z.array(z.string()).describe('Groups of which members may decide. Empty: any reviewer.'),
  quorum: z.number().int().describe('The largest quorum in `demands`.'),
  approvals: z.number().int().describe('Number of people who approved the current revision.'),
  demands: z.array(demand).describe('All must be met.'),
  escalates_at: time.nullable(),
  assignee: z.string().nullable().describe('The reviewer that the gateway suggests.'),
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
  shape: z
    .string()
    .nullable()
    .describe('Equal for holds that `POST /api/holds/batch` decides together. Null: this one is decided alone.'),
  claims: z
    .object({ task: z.string().nullable(), confidence: z.number().nullable(), flags: z.array(z.string()) })
    .describe('Claimed by the agent; untrusted.'),
  routing: z.object(routing),
});

const vote = z.object({
  reviewer: z.string(),
  for: z.string().nullable().describe('The person that the reviewer deputised for.'),
  groups: z.array(z.string()).describe('The groups for which the vote counts.'),
  revision: z.number().int(),
  counts: z.boolean().describe('False for votes on an earlier revision.'),
  channel: z.string(),
  note: z.string().nullable(),
  grant: grantTerms.nullable().describe('The terms of the grant that the approval gives.'),
  seen_at: time.nullable().describe('When the reviewer first saw that revision; null if unknown.'),
  at: time,
});

const escalation = z.object({
  at: time,
  to: z.array(z.string()),
  by: z.string().nullable().describe('Null: escalated by the rule.'),
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
  why: z.string().nullable().describe('Why you may not approve; null when you may.'),
});

const amount = z.object({ value: z.union([z.number(), z.string()]), currency: z.string().nullable() }).nullable();

const action = z.object({
  system: z.string(),
  operation: z.string(),
  method: z.string(),
  url: z.string().describe('System, path and query, byte for byte as sent.'),
  upstream: z.string().nullable().describe('Where the call goes. An approval is for this upstream alone.'),
  summary: z.string().describe('Written by the gateway, not the agent.'),
  client: z.string().nullable().describe('The client that the call is for, as the agent claims.'),
  target: z.object({ type: z.string(), id: z.string().nullable() }).nullable(),
  amount,
  reversible: z.boolean().nullable().describe('As policy says; null when it does not.'),
  headers: z.record(z.string(), z.string()).describe('The headers that policies see.'),
  hidden_headers: z.array(z.string()).describe('Names of headers that have hidden values.'),
  tool: z.string().nullable().describe('The tool that is called over MCP; `body` then has its arguments.'),
  tool_definition: z
    .object({ title: z.string().nullable(), description: z.string().nullable(), input_schema: z.unknown() })
    .nullable()
    .describe("What the tool's server said of it last; its words, untrusted. Null if no list had the tool."),
  body: z
    .unknown()
    .describe('The body as policies see it. A number that JavaScript would round is a string. Null when opaque.'),
  readings: z
    .array(z.object({ operation: z.string(), segments: z.array(z.string()), body: z.unknown() }))
    .describe('Every way in which systems may read the call, each judged by policy. Empty when there is only one.'),
  body_text: z
    .string()
    .nullable()
    .describe('The exact body, as text; with `sent_as`, as JSON that policy reads. Null when it is binary.'),
  binary: z
    .object({ type: z.string().nullable(), bytes: z.number().int(), sha256: z.string() })
    .nullable()
    .describe(
      'A body that is not text, by its Content-Type, size and SHA-256. Its bytes are at `/api/holds/{id}/body`.',
    ),
  sent_as: z
    .string()
    .nullable()
    .describe(
      'How the body is sent if `body_text` is not its bytes: `gzip`, `multipart/form-data`, `multipart/related`.',
    ),
  body_bytes: z.number().int(),
  complete: z.boolean().describe('Whether the call is displayed in full. If not, it cannot be approved.'),
  missing: z.string().nullable().describe('What is not displayed, and why.'),
  digest: z.string().describe('SHA-256 of the action that an approval binds to.'),
});

const history = z.union([
  z.object({
    available: z.literal(true),
    similar_30d: z.number().int().describe('Calls of this operation by this agent within 30 days.'),
    approved_unchanged_rate: z
      .number()
      .nullable()
      .describe('Share of decided holds that were approved unchanged; null without decided holds.'),
    recent_calls: z.array(call).describe("The agent's latest calls."),
  }),
  z.object({ available: z.literal(false), why: z.string() }),
]);

const changedPlaces = z.array(
  z.object({
    pointer: z.string().describe('JSON pointer (RFC 6901) into the body.'),
    from: z.unknown().optional().describe('Absent: there was nothing.'),
    to: z.unknown().optional().describe('Absent: there is nothing.'),
  }),
);

const hint = z.object({
  in: z.enum(['url', 'headers', 'body', 'claims', 'handoff']),
  kind: z
    .enum(['hidden', 'mixed-scripts'])
    .describe('`hidden`: characters that are not seen. `mixed-scripts`: a word with letters of several alphabets.'),
  excerpt: z.string().describe('The place, with such characters written out as `\\u{202e}`.'),
});

export const contextPackage = z.object({
  ...head,
  agent: z.object({
    id: z.string(),
    owner: z.string(),
    version: z.string().nullable().describe('As the agent claims.'),
    on_behalf_of: z.array(z.string()),
    session: z.string().nullable().describe('As the agent claims.'),
    trace: z.string().nullable().describe('Trace id (W3C Trace Context).'),
  }),
  action: action.nullable().describe('Null when no call is attached.'),
  diff: z
    .object({
      current: z
        .object({
          hold_id: z.string(),
          at: time,
          by: z.string().nullable(),
          changes: changedPlaces.describe('What this call has instead, by place; empty when nothing differs.'),
        })
        .nullable()
        .describe('The last call of this shape that was approved. Null: there is none among the last ones.'),
      proposed: z.unknown().describe('The body as the agent sent it.'),
      edited: z.unknown().describe('The body as reviewers edited it; null when unedited.'),
      edited_by: z.array(z.string()),
    })
    .nullable(),
  draft_response: z.unknown().describe('Claimed by the agent; untrusted.'),
  policy: z.object({
    rules: z.array(z.string()).describe('Names of the rules that matched, those that hold the call first.'),
    reasons: z.array(z.string()),
    matched: z
      .array(
        z.object({
          rule: z.string(),
          verdict: z.enum(['allow', 'hold', 'block']),
          reason: z.string().nullable(),
          trigger: z.enum(['rule', 'probabilistic']),
          places: z
            .array(
              z.object({
                file: z.string(),
                line: z.number().int(),
                text: z
                  .string()
                  .nullable()
                  .describe(
                    'The rule, in Rego. Null: another policy is in force by now, or you may not read the call.',
                  ),
              }),
            )
            .describe('Where the policy defines it, relative to its folder. Several if files define one name.'),
        }),
      )
      .describe('Each rule with its own verdict.'),
    trigger: z.enum(['rule', 'probabilistic']),
    revision: z.string(),
  }),
  risk: z
    .object({ flags: z.array(z.string()), confidence: z.number().nullable(), reversible: z.boolean().nullable() })
    .describe('As the agent claims.'),
  claims: z
    .record(z.string(), z.unknown())
    .describe("The agent's own words, verbatim and untrusted. Display them as plain text; never decide on them alone."),
  handoff: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe('The content of an exception or a relay, verbatim from its sender; untrusted.'),
  artifacts: z.array(z.object({ name: z.string(), type: z.string(), bytes: z.number().int(), sha256: z.string() })),
  answer: z.object({ option: z.string().nullable(), data: z.unknown() }).nullable(),
  history,
  hints: z
    .array(hint)
    .describe('Places where the text is not what it looks like. At most five of a kind for each part.'),
  consequence: z.string(),
  cost: z
    .object({ amount: z.number(), unit: z.string() })
    .nullable()
    .describe('The cost of the call according to policy.'),
  routing: z.object({ ...routing, votes: z.array(vote), escalations: z.array(escalation) }),
  options: z.array(z.unknown()).describe('Options that the agent proposes.'),
  editable: z.array(z.string()).describe('JSON pointers into the body that an approval may change.'),
  form: z
    .object({
      source: z
        .enum(['openapi', 'tool', 'editable'])
        .describe("The system's OpenAPI document, the schema of the tool, or only the values of this call."),
      schema: z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .describe(
          'For each pointer of `editable` a JSON Schema (2020-12) without references. Its texts are untrusted.',
        ),
    })
    .nullable()
    .describe('What an edit may set the editable places to. Null when the call cannot be edited.'),
  openable: z
    .array(
      z.object({
        place: z.string().describe('As in `grant.open` of an approval.'),
        value: z.string().describe('Its value in this call.'),
        at_most: z.boolean().describe('A number: covered calls may have no more.'),
      }),
    )
    .describe('What a grant may leave open; all else of a covered call is as here. Empty if there can be no grant.'),
  notes: z
    .array(z.object({ by: z.string(), at: time, text: z.string() }))
    .describe('Notes between reviewers; agents cannot read them.'),
  outcome: z
    .object({
      result: z.enum(['executed', 'not-executed']),
      reference: z.string().nullable(),
      note: z.string().nullable(),
      by: z.string(),
      at: time,
    })
    .nullable(),
  grant: z.string().nullable().describe('The grant that approved it without a reviewer.'),
  attempt: z
    .object({ number: z.number().int(), at: time, by: z.string(), idempotency_key: z.string() })
    .nullable()
    .describe('The latest delivery attempt.'),
  resend_at: time.nullable().describe('When a call of unknown outcome is sent again with the same idempotency key.'),
  upstream_status: z.number().int().nullable(),
  you_may: permissions,
  you_voted: z.boolean().describe('Whether you voted on the current revision.'),
});

/** What an edit would be judged as. */
export const preview = z.object({
  verdict: z
    .enum(['allow', 'hold', 'block'])
    .describe(
      'What the policy in force says of the edited call. The people already asked must approve it all the same.',
    ),
  rules: z.array(z.string()).describe('Rules that match the edited call, those of the verdict first.'),
  reasons: z.array(z.string()),
  body: z.unknown().describe('The edited body, shown as in `action.body`. As it is now if the edit cannot be made.'),
  diff: changedPlaces,
  consequence: z.string(),
  somebody_else: z.boolean().describe('Whether another person would have to approve the change.'),
  problem: z
    .object({
      code: z.string(),
      detail: z.string(),
      pointer: z.string().nullable().describe('The place in the body, if one place is wrong.'),
    })
    .nullable()
    .describe('Why the edit would be refused, as `approve` would say; null if it would be accepted.'),
});

const timelineItem = z.object({
  at: time,
  type: z
    .string()
    .describe(
      'What happened: a step of the hold, such as `opened`, `claimed`, `voted`, `edited`, `escalated` or `executed`; `told`: a message to people; `seen`: a reviewer opened it; `policy`: another revision of the policy.',
    ),
  by: z.string().nullable().describe('The person, agent or probe. Null: the gateway.'),
  text: z.string().describe('A sentence of the gateway; words of people, and the reason of a rule, are in it.'),
  channel: z.string().nullable().describe('The channel of the person, or of the message.'),
});

export const timeline = z.object({
  items: z.array(timelineItem).describe('Oldest first.'),
  unavailable: z
    .string()
    .nullable()
    .describe('Why only steps are here that the hold itself tells: the record did not answer. Null: it did.'),
});

export const presence = z.object({
  others: z.array(
    z.object({
      reviewer: z.string(),
      since: time,
      editing: z.boolean().describe('Whether this reviewer has claimed the hold.'),
    }),
  ),
});

export const batchResult = z.object({
  items: z
    .array(
      z.object({
        hold_id: z.string(),
        done: z.boolean(),
        problem: z.object({ code: z.string(), detail: z.string() }).nullable().describe('Null when it is done.'),
      }),
    )
    .describe('One for each hold, in the order of the request.'),
});

const rate = z.number().nullable().describe('0 to 1. Null without decisions.');

export const holdNumbers = z.object({
  similar: z
    .object({
      decided: z.number().int().describe('Decisions of people on this operation, of any agent. Grants do not count.'),
      unchanged: z.number().int().describe('Of these, approved as the agent sent the call.'),
      last: z
        .array(
          z.object({
            hold_id: z.string(),
            at: time,
            by: z.string(),
            amount: amount.describe('Null when the body names none, is no longer kept, or you may not read it.'),
            took_ms: z.number().int().describe('From the opening of the hold to the decision.'),
            result: z
              .enum(['approved', 'edited', 'rejected', 'taken-over'])
              .describe('`edited`: approved with changes.'),
          }),
        )
        .describe('The last five, newest first.'),
      note: z.string().describe('The same in a sentence.'),
    })
    .nullable()
    .describe('Null for a hold without a call.'),
  agent: z
    .object({ decisions: z.number().int(), unchanged_rate: rate })
    .nullable()
    .describe('Decisions on all calls of this agent, and the share approved unchanged.'),
  rule: z
    .object({
      rule: z.string(),
      hits_30d: z.number().int().describe('Holds that it opened.'),
      approved_rate: rate,
    })
    .nullable()
    .describe('The first rule that holds the call.'),
  unavailable: z.string().nullable().describe('Why there are no numbers. Null: there are.'),
});

export type BatchResult = z.output<typeof batchResult>;
export type HoldNumbers = z.output<typeof holdNumbers>;
export type TimelineItem = z.output<typeof timelineItem>;
export type Preview = z.output<typeof preview>;
export type ContextPackage = z.output<typeof contextPackage>;
export type HoldSummary = z.output<typeof holdSummary>;
export type Permissions = z.output<typeof permissions>;
