import { hash } from 'node:crypto';
import { canonicalJson } from '../json/exact-json.ts';
import type { Action } from './action.ts';

/** Headers that were not part of the digest before headers had roles. */
const WITHOUT_MEANING = new Set(
  `
  authorization proxy-authorization cookie x-api-key api-key x-goog-api-key private-token
  connection keep-alive proxy-connection te trailer transfer-encoding expect
  host content-length accept-encoding date user-agent via forwarded priority dnt
  origin referer cache-control pragma x-real-ip x-request-start
  agent-context prefer idempotency-key
  traceparent tracestate baggage b3 sentry-trace uber-trace-id newrelic x-amzn-trace-id
  x-request-id request-id x-correlation-id x-client-request-id x-ms-client-request-id
  x-cloud-trace-context x-goog-api-client amz-sdk-invocation-id amz-sdk-request x-amz-user-agent
  `
    .trim()
    .split(/\s+/),
);

const WITHOUT_MEANING_PREFIXES = [
  'x-forwarded-',
  'x-b3-',
  'x-datadog-',
  'x-stainless-',
  'x-stripe-client-',
  'sec-',
  'elastic-apm-',
];

/**
 * The digest as it was before headers had roles and bodies were compared by value. Open holds from then are found and
 * released by it, since a second hold on the same call could execute it twice.
 * @param credential the header in which the system's agents send their token
 */
export function earlierDigest(action: Action, credential: string): string {
  const { agent, onBehalfOf, method, url, body } = action;
  const headers = meaningfulHeaders(action.headers, credential.toLowerCase());
  return hash('sha256', canonicalJson({ agent, onBehalfOf, method, url, headers, body: hash('sha256', body) }));
}

function meaningfulHeaders(raw: readonly string[], credential: string): Record<string, string[]> {
  // No prototype: a header named __proto__ must count like any other.
  const headers: Record<string, string[]> = Object.create(null);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (name === credential || WITHOUT_MEANING.has(name)) continue;
    if (WITHOUT_MEANING_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    (headers[name] ??= []).push(raw[i + 1]!);
  }
  return headers;
}
