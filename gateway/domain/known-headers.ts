import { isSecretName } from '../secrets/secret-name.ts';
import { HOP_BY_HOP } from './headers.ts';
import { isMethodOverride } from './method-override.ts';

/**
 * The request headers of a call: which ones policy sees, which ones an approval binds to, and which ones are sent. What
 * is sent is judged, or bound, or known to mean nothing. A header that the gateway does not know is `judged`.
 *
 * - `judged`: policy sees it, an approval binds to it, and it is sent.
 * - `seen`: the same, but an approval does not bind to it, since retries change it.
 * - `sealed`: an approval binds to it, and it is sent. Policy never sees it, since the input is recorded.
 * - `passed`: it is sent and means nothing to what the call does.
 * - `dropped`: it is not sent.
 */
export type HeaderRole = 'judged' | 'seen' | 'sealed' | 'passed' | 'dropped';

/** Headers that are lists (RFC 9110, RFC 7240): several lines mean the same as one joined by commas. */
export const LIST_HEADERS = words(`
  accept accept-charset accept-language anthropic-beta content-language if-match if-none-match openai-beta prefer
`);

/** Common headers, and those that choose the operation, the account or the tenant of a call. */
const JUDGED = words(`
  ${LIST_HEADERS.join(' ')}
  anthropic-version content-disposition content-encoding content-type if-modified-since if-unmodified-since
  notion-version openai-organization openai-project origin range referer stripe-account stripe-context stripe-version
  x-atlassian-token x-github-api-version
  soapaction x-amz-target xero-tenant-id x-tenant-id x-goog-user-project x-vault-namespace dropbox-api-arg
  destination depth overwrite lock-token
`);

/** Keys by which a system executes a retry once, and the client's name. */
const SEEN = words('idempotency-key x-idempotency-key paypal-request-id opc-retry-token user-agent');

/** It may carry a bearer token, as in Kubernetes. */
const SEALED = words('sec-websocket-protocol');

/** Tracing, telemetry, and what concerns the answer alone. */
const PASSED = words(`
  accept-encoding cache-control date dnt pragma priority via x-request-start
  sec-websocket-extensions sec-websocket-key sec-websocket-version
  b3 correlation-context grpc-trace-bin newrelic request-context singularityheader sw6 sw8 tracestate traceparent
  uber-trace-id jaeger-debug-id x-dtpc x-dtreferer x-opaque-id x-goog-gcs-idempotency-token
  x-goog-api-client x-amz-user-agent x-amz-date x-ms-date x-ms-useragent x-retry-count
  x-server-timeout grpc-timeout connect-timeout-ms
`);
const PASSED_PREFIXES = words(`
  adrum amz-sdk- elastic-apm- jaeger-baggage ot-baggage- ot-tracer- pinpoint- sec- sw8- uberctx- x-b3- x-datadog-
  x-dynatrace x-fern- x-honeycomb- x-instana- x-newrelic- x-ot- x-stainless- x-stripe-client-
`);
/** Names that tracers share: `langsmith-trace`, `x-cloud-trace-context`, `x-span-id`, `x-correlation-id`. */
const TRACING =
  /(?:^|-)(?:trace|traceid|tracing|traceparent|tracestate|traceresponse|span|spanid|baggage)(?:-|$)|(?:^|-)(?:request|correlation|invocation)-?id$/;

const OWN = [...HOP_BY_HOP, ...words('agent-context authorization content-length expect host')];
const OWN_PREFIX = 'holdpoint-';

/** Headers by which a call acts as another user, or elsewhere than its path says, or that a proxy would vouch for. */
const ACTING = words(`
  as-user callerobjectid dropbox-api-select-admin dropbox-api-select-user fastly-client-ip forwarded mscrmcallerid
  proxy remote-user x-host
`);
const ACTING_PREFIXES = words(`
  cf- proxy- ssl-client- x-accel- x-amzn-oidc- x-appengine- x-auth-request- x-authenticated- x-authentik- x-azure-
  x-client-cert x-client-dn x-client-verify x-consumer- x-credential- x-envoy- x-forwarded- x-goog-authenticated-
  x-goog-iap- x-http- x-middleware- x-ms-client-principal x-ms-token- x-original- x-override- x-proxy- x-remote-
  x-rewrite- x-sendfile- x-ssl- x-webauth-
`);
const IMPERSONATION =
  /(?:^|-)(?:sudo|impersonate|impersonat(?:ion|ed|or)|run-?as|act(?:ing)?-as|on-behalf-of|switch-user)(?:-|$)/;
const IDENTITY =
  /^x-(?:user|username|userinfo|user-(?:id|name|email|info|roles?|groups?)|email|roles?|groups?|principal|identity|as-user)$|(?:^|-)(?:client|real|source|originating|true|user|peer)-?(?:ip|addr|address)$/;

/** Credentials that `isSecretName` does not know, because members of bodies have such names without being one. */
const CREDENTIAL =
  /^(?:key|cookie2?|x-amz-mfa|dpop|authentication)$|(?<!(?:^|-)(?:idempotency|partition|routing|object|sort|cache|surrogate|row|public))-keys?$|(?:^|-)(?:sign|hmac|assertion)$|(?:^|-)signature(?:-|$)/;

/** What object stores keep with an object. The agent chooses the names, and no system acts on them. */
const METADATA = /^x-(?:amz|goog|ms|object)-meta-/;

const KNOWN: ReadonlyMap<string, HeaderRole> = new Map([
  ...JUDGED.map((name) => [name, 'judged'] as const),
  ...SEEN.map((name) => [name, 'seen'] as const),
  ...SEALED.map((name) => [name, 'sealed'] as const),
  ...PASSED.map((name) => [name, 'passed'] as const),
  ...[...OWN, ...ACTING].map((name) => [name, 'dropped'] as const),
]);

/** The role of a header at a system that does not name it. @param name by `plainName` */
export function defaultRole(name: string): HeaderRole {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  if (METADATA.test(name)) return isCredential(name) ? 'sealed' : 'judged';
  if (isOwnHeader(name) || isCredential(name) || acts(name)) return 'dropped';
  return startsWithAny(name, PASSED_PREFIXES) || TRACING.test(name) ? 'passed' : 'judged';
}

/** Whether the gateway knows the header. The value of an unknown one may be anything, a credential too. */
export function isKnownHeader(name: string): boolean {
  return KNOWN.has(name);
}

/** Whether the gateway sets, reads or refuses the header itself, so that no configuration can name it. */
export function isOwnHeader(name: string): boolean {
  return OWN.includes(name) || name.startsWith(OWN_PREFIX) || isMethodOverride(name);
}

/** Whether a header carries a credential, by its name alone. Its value must never enter the policy's input. */
export function isCredential(name: string): boolean {
  return SEALED.includes(name) || (!KNOWN.has(name) && (CREDENTIAL.test(name) || isSecretName(name)));
}

function acts(name: string): boolean {
  return startsWithAny(name, ACTING_PREFIXES) || IMPERSONATION.test(name) || IDENTITY.test(name);
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix));
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
