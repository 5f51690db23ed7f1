import { z } from 'zod';
import { FAILURES, type Failure } from '../../gateway/domain/event.ts';

/** Longest note, in characters. The agent reads it, so it must stay short. */
export const NOTE_LENGTH = 4_000;

export const time = z.iso.datetime().describe('RFC 3339, UTC');
export const note = z.string().max(NOTE_LENGTH).describe('Readable by the agent.');
export const name = z.string().min(1).max(200);
export const cursor = z.string().min(1).max(500).optional().describe('`next` of an earlier response.');
export const limit = z.coerce.number().int().min(1).max(200).default(50);
/** How far back a figure of the record goes. */
export const period = z.enum(['7d', '30d', '90d']).default('30d').describe('The last 7, 30 or 90 days.');
/** A boolean in a query string. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** An RFC 3339 time with any offset; parsed to milliseconds since the epoch. */
export const moment = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-12-24T18:00:00Z' })
  .transform((text) => Date.parse(text));

const channel = z
  .enum(['api', 'console', 'chat', 'cli'])
  .default('api')
  .describe('The channel that the person used; recorded.');

/** Headers that every write accepts. */
export const writeHeaders = z.looseObject({ 'holdpoint-channel': channel });

/** Headers of a write on a hold, which names the revision that its sender read. */
export const holdWriteHeaders = writeHeaders.extend({
  'if-match': z.string().optional().describe('Required. The ETag of the hold as you read it.'),
});

export const noBody = z.strictObject({}).nullish();

const CALL_ID = /^call_[0-9a-f]{32}$/;

const filtered = (what: string) => name.optional().describe(what);

export const callQuery = z.strictObject({
  agent: filtered('The calling agent.'),
  owner: filtered('The owner accountable for the agent.'),
  on_behalf_of: filtered('A principal anywhere in the delegation chain.'),
  system: filtered('The business system.'),
  operation: filtered('The stable name of the operation.'),
  method: filtered('The HTTP method.'),
  path: filtered('A path prefix.'),
  resource: filtered('`<type>` or `<type>/<id>`.'),
  verdict: z.enum(['allow', 'hold', 'block']).optional(),
  rule: filtered('One of the rules that matched, as `<package>/<name>`.'),
  trigger: z.enum(['rule', 'probabilistic', 'default', 'fault']).optional(),
  policy_revision: filtered('The policy bundle that decided.'),
  session: filtered('Claimed by the agent.'),
  task: filtered('Claimed by the agent.'),
  status: z.coerce
    .number()
    .int()
    .min(0)
    .max(599)
    .optional()
    .describe('The response status to the agent, or from the system.'),
  code: filtered('A problem code.'),
  failure: z.enum(Object.keys(FAILURES) as [Failure, ...Failure[]]).optional(),
  hold_id: filtered('The hold of the call.'),
  decision_id: filtered('The decision id, as in the `Holdpoint-Decision` response header.'),
  trace_id: filtered('The W3C trace id.'),
  node: filtered('The name of the gateway.'),
  from: moment.optional().describe('RFC 3339.'),
  to: moment.optional().describe('RFC 3339; exclusive.'),
  text: filtered('Text in the reason of the decision or in a note of a reviewer.'),
  cursor: z
    .string()
    .regex(CALL_ID, "expected an earlier answer's next")
    .optional()
    .describe('`next` of an earlier response.'),
  limit,
});

export const callParams = z.object({ id: z.string().regex(CALL_ID, 'expected the id of a call') });

export const evaluateBody = z.strictObject({
  input: z.record(z.string(), z.unknown()).describe('The policy input; see the documentation for policy authors.'),
});

export const policyStatus = z.object({
  revision: z.string().nullable(),
  activated_at: time.nullable(),
  rules: z.array(z.string()),
  sources: z
    .array(
      z.object({
        package: z.string(),
        rule: z.string().nullable().describe('Null if the name is computed.'),
        verdict: z.enum(['allow', 'hold', 'block', 'drift']),
        file: z.string(),
        line: z.number().int(),
      }),
    )
    .describe('Each rule with its verdict and its place, relative to the policy folder.'),
  refused: z
    .object({ at: time, reason: z.string() })
    .nullable()
    .describe('Why the newest change is not in force; the revision above still decides.'),
});

export const ruleHits = z.object({
  from: time,
  to: time,
  items: z.array(
    z.object({
      rule: z.string().describe('As `<package>/<name>`.'),
      verdict: z.string().describe('What the rule said: allow, hold, block or drift. A hold of level 4 is a block.'),
      hits: z.number().int().describe('Calls that the rule matched in the period.'),
      agents: z.number().int(),
      levels: z.array(z.number().int()).describe('Levels of the holds that it opened in the period.'),
      last_at: time,
    }),
  ),
});

export const configStatus = z.object({
  since: time.describe('When the configuration in force was read.'),
  needs_restart: z.array(z.string()).describe('Saved fields that come into force with the next start.'),
  refused: z
    .object({ at: time, reasons: z.array(z.string()) })
    .nullable()
    .describe('Why the saved file is not in force; the configuration above still is.'),
});

export const evaluation = z.object({ revision: z.string().nullable(), decision: z.unknown() });

export const call = z.object({
  call_id: z.string(),
  at: time,
  agent: z.string(),
  owner: z.string(),
  on_behalf_of: z.array(z.string()),
  session: z.string(),
  task: z.string(),
  system: z.string(),
  operation: z.string(),
  method: z.string(),
  path: z.string(),
  resource: z.string(),
  verdict: z.string(),
  rules: z.array(z.string()),
  trigger: z.string(),
  reason: z.string(),
  policy_revision: z.string(),
  decision_id: z.string(),
  hold_id: z.string().nullable(),
  status: z.number().int().nullable().describe('Null until the call has completed; 0 when the agent disconnected.'),
  code: z.string(),
  failure: z.string(),
  took_ms: z.number(),
  cost: z.number(),
  cost_unit: z.string(),
  trace_id: z.string(),
});

const source = z
  .enum(['record', 'journal'])
  .describe(
    '`journal`: ClickHouse does not answer. These are the calls that this gateway has not delivered to it yet; earlier ones are missing.',
  );

export const callPage = z.object({
  items: z.array(call),
  next: z.string().nullable().describe('`cursor` of the next page.'),
  searched_since: time
    .nullable()
    .describe('Older calls were not searched, to limit the time; `next` continues from here. Null: all were searched.'),
  source,
});

export const callStory = z.object({
  call: call.nullable().describe('Null until its decision has reached ClickHouse.'),
  events: z
    .array(z.looseObject({ at: time, event_id: z.string(), type: z.string() }))
    .describe('Every event in order; members are the columns of `holdpoint.events`.'),
  places: z
    .array(
      z.object({
        event_id: z.string(),
        chain: z.string(),
        seq: z.number().int().describe('Its number in the chain.'),
        hash: z.string().describe('The first 8 hex digits of the SHA-256 of its number and line.'),
        checkpoint: z
          .object({
            first: z.number().int(),
            last: z.number().int(),
            hash: z.string(),
            key: z.string().describe('The key that signed it, as `audit verify` names it.'),
            at: time,
          })
          .nullable()
          .describe('The signed checkpoint that covers it. Null until there is one, which takes about a minute.'),
      }),
    )
    .describe('The place of each event in the ledger. Empty while only the journal can be read.'),
  source,
});

export const ownNumbers = z.object({
  decisions: z.number().int().describe('Holds that you approved, rejected or took over within 30 days.'),
  median_seconds: z.number().nullable().describe('From the opening of the hold to your decision. Null: no decisions.'),
  unchanged_rate: z
    .number()
    .nullable()
    .describe('Share of the decisions that approved a call which no reviewer changed. Null: no decisions.'),
  under_five_seconds: z.number().int().describe('Approvals within five seconds after the hold was opened.'),
});

export const group = z.object({
  group: z.string(),
  reviewers: z.number().int().describe('How many of its members decide: those with the role `reviewer`.'),
});

export const readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });

/** One page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable().describe('`cursor` of the next page.') });
}

export const problem = z
  .object({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string(), code: z.string() })
  .describe('Problem details (RFC 9457). `code` is stable.');

/** The error responses of a route, for the OpenAPI document. */
export function problemResponses<Status extends number>(...statuses: Status[]) {
  const answer = { description: 'Problem details', content: { 'application/problem+json': { schema: problem } } };
  return Object.fromEntries(statuses.map((status) => [status, answer])) as Record<Status, typeof answer>;
}
