import type { Problem } from '../../domain/problem.ts';
import type { RefusalShape } from '../../domain/refusal-shape.ts';

/** The answer that refuses a call. `type` is null where the request's Accept header decides. */
export type Refusal = { readonly status: number; readonly type: string | null; readonly body: string };

/** A Problem with its decision. `members` are those of application/problem+json. */
type Refused = Pick<Problem, 'status' | 'code' | 'message'> & {
  readonly decisionId: string;
  readonly members: Readonly<Record<string, unknown>>;
};

/** Lays a Problem out as a system does its own errors. The members of RFC 9457 stay where the layout has room. */
export function layOut(shape: RefusalShape, problem: Problem, decisionId: string): Refusal {
  const { status, code, message } = problem;
  const members = { ...problem.toJSON(), decision_id: decisionId };
  return SHAPES[shape]({ status, code, message, decisionId, members });
}

const SHAPES: Readonly<Record<RefusalShape, (refused: Refused) => Refusal>> = {
  problem: (refused) => json(refused, {}),
  anthropic: (refused) =>
    json(refused, {
      type: 'error',
      error: { type: wordFor(refused.status, ANTHROPIC_TYPES), message: refused.message, code: refused.code },
      request_id: refused.decisionId,
    }),
  atlassian: (refused) =>
    json(refused, { errorMessages: [refused.message], errors: {}, statusCode: refused.status, error: undefined }),
  'aws-json': (refused) => ({
    ...json(refused, { __type: wordFor(refused.status, AWS_JSON_CODES), Message: refused.message }),
    type: 'application/x-amz-json-1.0',
  }),
  'aws-xml': ({ status, message, decisionId }) => ({
    status,
    type: 'application/xml',
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${wordFor(status, AWS_XML_CODES)}</Code><Message>${xmlText(message)}</Message><RequestId>${decisionId}</RequestId></Error>`,
  }),
  datadog: (refused) => json(refused, { errors: [refused.message] }),
  elasticsearch: (refused) => {
    const cause = { type: `holdpoint_${refused.code.replaceAll('-', '_')}`, reason: refused.message };
    return json(refused, { error: { root_cause: [cause], ...cause } });
  },
  // gitbeaker reads no problem type.
  gitlab: (refused) => ({ ...json(asBusy(refused), { error: refused.message }), type: 'application/json' }),
  google: (refused) => {
    const { status, code, message } = refused;
    const errors = [{ domain: 'holdpoint', reason: code, message }];
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'holdpoint', metadata: {} },
    ];
    return json(refused, {
      error: { code: status, message, status: wordFor(status, GOOGLE_STATUSES), errors, details },
    });
  },
  hubspot: (refused) =>
    json(refused, {
      status: 'error',
      category: refused.status === 403 ? 'MISSING_SCOPES' : 'VALIDATION_ERROR',
      correlationId: refused.decisionId,
    }),
  kubernetes: (refused) =>
    json(refused, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: wordFor(refused.status, KUBERNETES_REASONS),
      code: refused.status,
    }),
  notion: (refused) => {
    const busy = asBusy(refused);
    return json(busy, { object: 'error', code: wordFor(busy.status, NOTION_CODES), request_id: refused.decisionId });
  },
  npm: (refused) => json(refused, { error: refused.message }),
  salesforce: ({ status, code, message, members }) => ({
    status,
    type: 'application/json',
    body: JSON.stringify([{ ...members, errorCode: `HOLDPOINT_${code.replaceAll('-', '_').toUpperCase()}`, message }]),
  }),
  // Slack answers its own errors with 200. Its SDKs show no other body, and send a 403 again for half an hour.
  slack: (refused) => {
    const answer = json(refused, { ok: false, error: refused.message });
    return refused.status < 500 ? { ...answer, status: 200, type: 'application/json' } : answer;
  },
  stripe: (refused) =>
    json(refused, {
      error: { type: wordFor(refused.status, STRIPE_TYPES), code: refused.code, message: refused.message },
    }),
  // Without `type`, its SDKs read Twilio's own layout, in which `code` is a number.
  twilio: (refused) => {
    const { type: _type, ...members } = refused.members;
    const more = { code: refused.status, status: refused.status, more_info: '' };
    return { status: refused.status, type: 'application/json', body: JSON.stringify({ ...members, ...more }) };
  },
};

type Words = Readonly<Record<number | 'client' | 'server', string>>;

const ANTHROPIC_TYPES: Words = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  client: 'invalid_request_error',
  server: 'api_error',
};
/** S3's. */
const AWS_XML_CODES: Words = {
  401: 'AccessDenied',
  403: 'AccessDenied',
  413: 'EntityTooLarge',
  503: 'ServiceUnavailable',
  client: 'InvalidRequest',
  server: 'InternalError',
};
/** Errors that are common to the services of AWS. */
const AWS_JSON_CODES: Words = {
  401: 'AccessDeniedException',
  403: 'AccessDeniedException',
  503: 'ServiceUnavailable',
  client: 'ValidationException',
  server: 'InternalFailure',
};
const GOOGLE_STATUSES: Words = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  client: 'INVALID_ARGUMENT',
  server: 'INTERNAL',
};
const KUBERNETES_REASONS: Words = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  503: 'ServiceUnavailable',
  504: 'Timeout',
  client: 'BadRequest',
  server: 'InternalError',
};
const NOTION_CODES: Words = {
  401: 'unauthorized',
  403: 'restricted_resource',
  404: 'object_not_found',
  409: 'conflict_error',
  429: 'rate_limited',
  504: 'gateway_timeout',
  client: 'validation_error',
  server: 'internal_server_error',
};
const STRIPE_TYPES: Words = {
  401: 'authentication_error',
  client: 'invalid_request_error',
  server: 'api_error',
};

function wordFor(status: number, words: Words): string {
  return words[status] ?? (status < 500 ? words.client : words.server);
}

/**
 * 429 for 503, for SDKs that send a write again only after 429, since after 503 it may have been executed. A call that
 * the gateway refuses with 503 was not.
 */
function asBusy(refused: Refused): Refused {
  const status = 429;
  return refused.status === 503 ? { ...refused, status, members: { ...refused.members, status } } : refused;
}

/** The Problem's own members, with those of the layout. A member that is undefined is left out. */
function json({ status, members }: Refused, own: Readonly<Record<string, unknown>>): Refusal {
  return { status, type: null, body: JSON.stringify({ ...members, ...own }) };
}

/** Text inside an XML 1.0 element. Characters that XML does not have are left out. */
function xmlText(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
