import { hash } from 'node:crypto';
import type { DigestAction } from '../domain/hold.ts';
import type { System } from '../domain/system.ts';
import { canonicalJson } from '../json/exact-json.ts';

/**
 * Headers that do not change what a call does: credentials, framing, tracing, client telemetry and the gateway's own.
 * Every other header is part of the digest. An allow-list would be the wrong way round: an unforeseen header
 * (`Stripe-Account`) would let an approval for one target cover another.
 */
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

/** What an approval binds to. */
export type Action = {
  readonly agent: string;
  readonly onBehalfOf: readonly string[];
  readonly method: string;
  /** The system and the target below it, byte for byte, such as `/payments/v1/refunds?expand=charge`. */
  readonly url: string;
  /** Names and values alternating, as received. */
  readonly headers: readonly string[];
  /** The exact bytes that would be sent. */
  readonly body: Uint8Array;
  /** The header in which this system's agents send their token, when it is an unusual one; never part of the digest. */
  readonly credentialHeader?: string;
};

/** SHA-256 (lowercase hex) of an action's canonical JSON (RFC 8785). Actions with the same digest have the same effect. */
export function actionDigest(action: Action): string {
  const { agent, onBehalfOf, method, url, body } = action;
  const headers = meaningfulHeaders(action.headers, action.credentialHeader?.toLowerCase());
  return hash('sha256', canonicalJson({ agent, onBehalfOf, method, url, headers, body: hash('sha256', body) }));
}

/** The digest of a call as it came in, and of one as it was stored: the same function, so that they can be compared. */
export function createDigest(systems: ReadonlyMap<string, System>): DigestAction {
  return ({ principal, system }, { method, target, headers, body }) =>
    actionDigest({
      agent: principal.agent,
      onBehalfOf: principal.onBehalfOf,
      method,
      url: `/${system}${target}`,
      headers,
      body,
      credentialHeader: systems.get(system)?.agentCredential.header ?? 'authorization',
    });
}

function meaningfulHeaders(raw: readonly string[], credential: string | undefined): Record<string, string[]> {
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
