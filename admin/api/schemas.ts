import { z } from 'zod';
import { FAILURES, type Failure } from '../../gateway/domain/event.ts';

/** Longest note, in characters. The agent reads it, so it is a note and not a document. */
export const NOTE_LENGTH = 4_000;

export const time = z.iso.datetime().describe('RFC 3339, UTC');
export const note = z.string().max(NOTE_LENGTH).describe('The agent can read it.');
export const name = z.string().min(1).max(200);
export const cursor = z.string().min(1).max(500).optional().describe("An earlier answer's `next`.");
export const limit = z.coerce.number().int().min(1).max(200).default(50);
/** A truth value in a query string. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** A moment as people write it, with the offset that they live at; milliseconds since the epoch within. */
export const moment = z.iso
  .datetime({ offset: true, error: 'expected a time such as 2026-12-24T18:00:00Z' })
  .transform((text) => Date.parse(text));

const channel = z
  .enum(['api', 'console', 'chat', 'cli'])
  .default('api')
  .describe('By which way the person came; part of the record.');

/** What every write may say of itself. */
export const writeHeaders = z.looseObject({ 'holdpoint-channel': channel });

/** A write on a hold says besides what its sender has seen. */
export const holdWriteHeaders = writeHeaders.extend({
  'if-match': z.string().optional().describe('Required. The ETag of the hold as you have seen it.'),
});

export const noBody = z.strictObject({}).nullish();

const CALL_ID = /^call_[0-9a-f]{32}$/;

const filtered = (what: string) => name.optional().describe(what);

export const callQuery = z.strictObject({
  agent: filtered('Who called.'),
  owner: filtered('Who answers for the agent.'),
  on_behalf_of: filtered('For whom, anywhere in the chain.'),
  system: filtered('The business system.'),
  operation: filtered('The stable name of what was done.'),
  method: filtered('The HTTP method.'),
  path: filtered('What the path begins with.'),
  resource: filtered('`<type>` or `<type>/<id>`.'),
  verdict: z.enum(['allow', 'hold', 'block']).optional(),
  rule: filtered('One of the rules that matched, as `<package>/<name>`.'),
  trigger: z.enum(['rule', 'probabilistic', 'default', 'fault']).optional(),
  policy_revision: filtered('The bundle that decided.'),
  session: filtered('Claimed by the agent.'),
  task: filtered('Claimed by the agent.'),
  status: z.coerce.number().int().min(0).max(599).optional().describe('What the agent was answered, or the system.'),
  code: filtered("A problem's code."),
  failure: z.enum(Object.keys(FAILURES) as [Failure, ...Failure[]]).optional(),
  hold_id: filtered('The hold that the call had.'),
  decision_id: filtered("The decision, as in the answer's `Holdpoint-Decision`."),
  trace_id: filtered('W3C Trace Context.'),
  node: filtered('The gateway.'),
  from: moment.optional().describe('RFC 3339.'),
  to: moment.optional().describe('RFC 3339; not included.'),
  text: filtered('Stands in the reason of the decision, or in what a person said of the call.'),
  cursor: z
    .string()
    .regex(CALL_ID, "expected an earlier answer's next")
    .optional()
    .describe("An earlier answer's `next`."),
  limit,
});

export const callParams = z.object({ id: z.string().regex(CALL_ID, 'expected the id of a call') });

export const evaluateBody = z.strictObject({
  input: z.record(z.string(), z.unknown()).describe('As policies see it; see the page for policy authors.'),
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
  status: z.number().int().nullable().describe('Null until the call has completed; 0 when the agent had left.'),
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
    .describe(
      'Calls before this were not looked at, as that takes too long; `next` goes on there. Null: nothing was left out.',
    ),
  source,
});

export const callStory = z.object({
  call: call.nullable().describe('Null while its decision is not delivered yet.'),
  events: z
    .array(z.looseObject({ at: time }))
    .describe('Every step in order; members as the columns of `holdpoint.events`.'),
  source,
});

export const readiness = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) });

/** One page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable().describe('`cursor` of the next page.') });
}

export const problem = z
  .object({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string(), code: z.string() })
  .describe('Problem details (RFC 9457). `code` is stable.');

/** The error answers that a route can give, for the API's description. */
export function problemResponses<Status extends number>(...statuses: Status[]) {
  const answer = { description: 'Problem details', content: { 'application/problem+json': { schema: problem } } };
  return Object.fromEntries(statuses.map((status) => [status, answer])) as Record<Status, typeof answer>;
}
