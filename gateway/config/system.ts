import { z } from 'zod';
import { costAmount, costUnit } from '../domain/cost.ts';
import { REFUSAL_SHAPES } from '../domain/refusal-shape.ts';
import type { CostEntry, PathRules } from '../domain/system.ts';
import { plainName, whyNotNameable } from '../domain/header-roles.ts';
import { address } from './address.ts';
import { credential } from './credential.ts';
import { proxyUrl } from './egress-proxy.ts';
import { PRESETS } from './preset.ts';
import { section } from './section.ts';
import { upload, UPLOADS } from './upload.ts';
import { duration, file, headerName, headSize, origin, size, upstreamUrl } from './values.ts';

const httpStatus = z.number().int().min(200).max(599);
const COST_SOURCES = 'expected one of answer, header and amount';
const COSTS = `What calls cost. The gateway takes the cost of a call from the response, else from the [policy](../../policies/README.md#what-a-call-costs), else from a fixed \`amount\`. Each entry has one of \`answer\`, \`header\` and \`amount\`. Among the entries with \`answer\` or \`header\`, and among those with \`amount\`, the first that names the operation, or names none, counts.

The gateway reads a response after the agent has it: headers of any response; JSON bodies of at most 256 KiB, also compressed with gzip, deflate, br or zstd; and the last event of an uncompressed \`text/event-stream\` that has the place. If a response cannot be read, the next source counts. Until the response is there, [budgets](../../policies/README.md#budgets-and-rates) count the largest recent cost of the operation, and at least what policy or an \`amount\` says.`;

const READ_BACK = `How the gateway finds out whether a call of unknown outcome was executed: a GET, with the system's credential. The first entry that names the operation, or names none, counts. A call that none covers is left to people.`;

const HEADERS =
  'Headers to judge and to send besides [those that need no entry](../../policies/README.md#headers), such as `sudo`, `impersonate-user` or `x-forwarded-user`. Approvals bind to them. A header that carries a credential, such as `private-token` or `x-csrf-token`, is sent if it is named here, but policy never sees it.';

const LINKS = `Places in JSON answers of at most 1 MiB that hold URLs of the system: JSON pointers such as \`/upload_url\`, and names such as \`"@odata.nextLink"\`, which match members anywhere. The gateway replaces such URLs with its own, as it does in the headers \`Location\`, \`Content-Location\`, \`Link\` and \`Refresh\`, so that agents do not follow them around it.`;

const linkPlace = z
  .string()
  .regex(
    /^(?:(?:\/(?:[^~]|~[01])*)+|[^/].*)$/s,
    'expected a JSON pointer, such as /upload_url, or the name of a member',
  )
  .meta({ title: 'JSON pointer or name' });

/** Milliseconds. Sessions for uploads and presigned URLs live no longer. */
const LONGEST_LINK_PASS = 7 * 24 * 3_600_000;

const furtherHost = z
  .union(
    [
      upstreamUrl.transform((url) => ({ url, link_pass: undefined })),
      section({
        url: upstreamUrl,
        link_pass: duration
          .refine((ms) => ms > 0 && ms <= LONGEST_LINK_PASS, 'expected at most 7d, such as 1h')
          .optional(),
      }),
    ],
    {
      error:
        'expected an http or https URL without query, fragment or user, alone or as { url: …, link_pass: 1h } with at most 7d',
    },
  )
  .meta({ title: 'URL or `{ url, link_pass }`' });

const cost = section({
  operations: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Operations that this entry is for; without it, all.'),
  unit: costUnit.describe('Currency, or anything else that is counted, such as `EUR`, `tokens` or `credits`.'),
  answer: z
    .string()
    .regex(/^(?:\/(?:[^~]|~[01])*)+$/, 'expected a JSON pointer, such as /usage/total_tokens')
    .optional()
    .meta({ title: 'JSON pointer' })
    .describe('Place in the response body that holds the number of units used.'),
  header: headerName.optional().describe('Response header that holds the number of units used.'),
  price: costAmount
    .optional()
    .describe('Price of one unit used, in `unit`; 1 when absent. Only with `answer` or `header`.'),
  amount: costAmount.optional().describe('Fixed cost of each call, in `unit`.'),
}).transform(({ operations, unit, answer, header, price, amount }, ctx): CostEntry => {
  const of = { ...(operations && { operations }), unit };
  if ([answer, header, amount].filter((each) => each !== undefined).length !== 1) {
    ctx.issues.push({ code: 'custom', message: COST_SOURCES, input: null });
    return z.NEVER;
  }
  if (amount === undefined)
    return { ...of, from: answer === undefined ? { header: header! } : { answer }, price: price ?? 1 };
  if (price === undefined) return { ...of, amount };
  ctx.issues.push({ code: 'custom', path: ['price'], message: 'expected only with answer or header', input: price });
  return z.NEVER;
});

const timeouts = section({
  operations: z
    .array(z.string().min(1))
    .min(1)
    .describe('Operations that this entry is for, such as `POST /v1/responses` or `GET /v1/exports/*`.'),
  timeout: duration.describe('How long the gateway waits for their responses, instead of `timeout`.'),
});

const readBack = section({
  operations: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Operations that this entry is for; without it, all.'),
  path: z
    .string()
    .regex(/^(?:\/|\{path\})[\x21-\x7e]*$/, 'expected a path such as /v1/requests/{idempotency_key}, or {path}')
    .describe(
      'Path of the GET. `{idempotency_key}` stands for the key of the call, `{path}` for its own path, such as that of what it deletes.',
    ),
  executed: z.array(httpStatus).default([200]).describe('Statuses that mean that the call was executed.'),
  not_executed: z
    .array(httpStatus)
    .default([404])
    .describe('Statuses that mean that it was not. They count after a minute, and twice in a row.'),
}).transform(({ not_executed: notExecuted, operations, ...rest }) => ({
  ...rest,
  ...(operations && { operations }),
  notExecuted,
}));

const either = <const Way extends string>(one: Way, other: Way) =>
  z.enum([one, other], { error: `expected ${one} or ${other}` }).optional();

const path = section({
  encoded_slash: either('data', 'separator').describe(
    'What `%2F` in a path is: `data` of one segment, as GitHub, GitLab and npm read it, or a `separator` of two. With `data`, `%5C` is data too. Policy [judges every reading](../../policies/README.md#paths) of what is not declared.',
  ),
  case: either('sensitive', 'insensitive').describe(
    'Whether `/Refunds` is another resource than `/refunds`. With `insensitive`, policy sees names as the OpenAPI document spells them, others in lower case, and identifiers as sent. When absent, a path is judged as sent, as the document spells it, and, for holds and blocks, as rules spell it.',
  ),
  empty_segments: either('keep', 'merge').describe('Whether `/a//b` has three segments, or is read as `/a/b`.'),
}).transform(({ encoded_slash: encodedSlash, case: letters, empty_segments: emptySegments }): PathRules => ({
  ...(encodedSlash && { encodedSlash }),
  ...(letters && { case: letters }),
  ...(emptySegments && { emptySegments }),
}));

export const system = section({
  preset: z
    .enum(PRESETS, { error: `expected one of ${PRESETS.join(', ')}` })
    .optional()
    .meta({ title: 'name' })
    .describe(
      'A well-known system. Its [preset](presets/README.md) brings settings; those written here override them. `credential` may then be the key alone.',
    ),
  upstream: upstreamUrl.describe('URL of the API, http or https. Its path is put before the path of each call.'),
  credential: credential.optional(),
  tls: section({
    ca: file
      .optional()
      .describe('Certificates, in PEM, of the authorities that the gateway trusts instead of the public ones.'),
    cert: file.optional().describe('Client certificate in PEM; needs `key`.'),
    key: file.optional().describe('Key of the client certificate in PEM; needs `cert`.'),
  })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'expected cert and key together')
    .optional(),
  proxy: proxyUrl
    .optional()
    .describe(
      'HTTP proxy for connections to the system and its `upstream_hosts` (`CONNECT`), an http or https URL with a user if need be. The certificate of an https proxy is checked against the public authorities and `NODE_EXTRA_CA_CERTS`. Without it, the environment variable `HTTPS_PROXY` counts for https, for each host that `NO_PROXY` does not list.',
    ),
  agent_credential: section({
    header: headerName
      .default('x-api-key')
      .describe(
        "Header in which the system's SDK sends its key. Without it, the gateway reads the agent's token from `Authorization`, under any scheme, also as a parameter or as Basic user or password.",
      ),
    query: z
      .string()
      .min(1)
      .optional()
      .describe("Query parameter in which the system's SDK sends its key. It is removed before policy sees the call."),
    path: z
      .string()
      .regex(
        /^(?:\/[\w\-.~]+)*\/[\w\-.~]*\{token\}[\w\-.~]*$/,
        'expected the beginning of a path with {token}, such as /bot{token}',
      )
      .optional()
      .meta({ title: 'path' })
      .describe(
        "Beginning of the path in which the system's SDK sends its key, such as `/bot{token}`. It is removed before policy sees the call.",
      ),
  }).prefault({ header: 'x-api-key' }),
  cors: section({
    origins: z
      .array(origin)
      .min(1, 'expected at least one origin')
      .describe(
        'Origins of the pages, such as `https://app.example.com`, or `*` for all. They may call the system, each call with the token of an agent, and read all answers, refusals and `/-/holds/…` too.',
      ),
  }).optional(),
  cookies: z
    .enum(['drop', 'pass'], { error: 'expected drop or pass' })
    .default('drop')
    .describe(
      'Whether cookies pass, for systems that tie a CSRF token to one. `pass` sends the cookies of an agent to the system, and those of the system to the agent, for calls to that system alone. Policy and records never see them; an approval binds to them.',
    ),
  headers: z.array(headerName.transform(plainName)).default([]).describe(HEADERS),
  method_override: z
    .literal('GET', 'expected GET')
    .optional()
    .meta({ title: '`GET`' })
    .describe(
      'The system reads a POST with `X-HTTP-Method-Override: GET` and a form as a GET with that form as its query, as the APIs of Google do. Policy, approvals and records then see that GET. Other overrides are refused.',
    ),
  hosts: z
    .array(z.string().transform((host) => host.toLowerCase()))
    .default([])
    .describe('Host names of the system, for SDKs that take no base path. Paths then have no system prefix.'),
  upstream_hosts: z
    .array(furtherHost)
    .optional()
    .describe(
      'Further URLs of the system, such as `https://uploads.github.com`, to which its answers lead. Agents reach them through the gateway at `/<system>/~<host>/…`; policy sees `/~<host>/…` as the path. With `{ url, link_pass: 1h }`, links there can be [followed without a token](../enforce/README.md#links-without-a-token) for that long, at most 7 days, and calls there carry no credential of the system.',
    ),
  links: z.array(linkPlace).optional().describe(LINKS),
  uploads: z.array(upload).optional().describe(UPLOADS),
  listen: address
    .optional()
    .describe(
      'Address of its own for the system, for SDKs that take only host and port. Paths then have no system prefix.',
    ),
  public_url: upstreamUrl
    .optional()
    .describe(
      "URL at which agents reach the system, if it has `hosts` or `listen` and a proxy in front. Without it, the `Host` of the call counts, with the scheme of the gateway's `public_url`.",
    ),
  openapi: z
    .union([file, z.record(z.string(), z.unknown())], { error: 'expected a file, or an OpenAPI document itself' })
    .optional()
    .meta({ title: 'file or document' })
    .describe(
      'OpenAPI 3.0 or 3.1 document, in YAML or JSON: a file, or the document itself. Its `operationId`s name the operations. `paths` with an `operationId` for each method are enough.',
    ),
  mcp: z
    .string()
    .regex(/^\/[\w\-.~/]*$/, 'expected a path such as /mcp')
    .optional()
    .meta({ title: 'path' })
    .describe(
      'Path at which the system speaks MCP (Model Context Protocol) over Streamable HTTP. Policy then judges each message: tools by name and arguments.',
    ),
  path: path.optional(),
  refusals: z
    .enum(REFUSAL_SHAPES, { error: `expected one of ${REFUSAL_SHAPES.join(', ')}` })
    .optional()
    .describe(
      "Shape of refusals, so that the system's SDK shows their reason; `problem` (RFC 9457) when absent. `slack` is `ok: false` with status 200, as Slack answers its own errors. `gitlab` and `notion` have 429 instead of 503, after which their SDKs send writes again.",
    ),
  wait: duration.prefault('50s').describe('How long a held request stays open. The caller can retry to keep waiting.'),
  timeout: duration
    .prefault('60s')
    .describe(
      "How long the gateway waits for the system's response headers, and for each pause in the body. A response that takes longer is a 504.",
    ),
  timeouts: z
    .array(timeouts)
    .optional()
    .describe(
      'Operations that take longer, such as those of language models, or must not. The first entry that names an operation counts; `*` stands for any text.',
    ),
  body_limit: size
    .prefault('1MiB')
    .describe(
      'Largest request body, as sent and decompressed; larger ones get 413. A larger call of a tool of MCP gets a result that says so.',
    ),
  answer_head_limit: headSize
    .optional()
    .meta({ defaultText: '`64KiB`' })
    .describe('Largest head of a response; a larger one is a 502 with the code `answer-head-too-large`.'),
  form_fields: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe(
      'Most fields of a form or query; calls with more are refused. Raise it only if the system reads them all: PHP and Express ignore those after the thousandth.',
    ),
  connections: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(256)
    .describe('Largest number of connections to the system, per worker.'),
  idempotent: z
    .boolean()
    .default(false)
    .describe(
      'The system executes calls with the same `Idempotency-Key` once. The gateway may then resend a call of unknown outcome under its key.',
    ),
  read_back: z.array(readBack).min(1).optional().describe(READ_BACK),
  costs: z.array(cost).optional().describe(COSTS),
}).superRefine((system, ctx) => {
  const { headers, credential: own, agent_credential: agentCredential, tls, upstream, upstream_hosts = [] } = system;
  if (system.method_override && (agentCredential.query !== undefined || own?.query.length)) {
    const message = 'expected only without credentials in the query: the form of a POST may have them too';
    ctx.addIssue({ code: 'custom', path: ['method_override'], message, input: null });
  }
  const further = upstream_hosts.map(({ url }) => url);
  if (tls && [upstream, ...further].every(({ protocol }) => protocol !== 'https:'))
    ctx.addIssue({ code: 'custom', path: ['tls'], message: 'expected only with an https upstream', input: null });
  const { hosts, listen, public_url } = system;
  if (public_url && hosts.length === 0 && listen === undefined) {
    const message = 'expected only with hosts or listen: this system is below the public_url of the gateway';
    ctx.addIssue({ code: 'custom', path: ['public_url'], message, input: null });
  }
  for (const [index, { host }] of further.entries()) {
    if (further.findIndex((url) => url.host === host) === index) continue;
    const message = `expected each host once; ${host} is there already`;
    ctx.addIssue({ code: 'custom', path: ['upstream_hosts', index], message, input: null });
  }
  for (const [index, name] of headers.entries()) {
    const message = whyNotNameable(name, { agentCredential, ...(own && { credential: own }) });
    if (message !== null) ctx.addIssue({ code: 'custom', path: ['headers', index], message, input: name });
  }
});
