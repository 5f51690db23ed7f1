import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../../gateway/domain/event.ts';
import type { Store } from '../../../gateway/domain/store.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';

const NAMED = ['Sudo', 'X-Forwarded-User', 'Private-Token', 'Traceparent', 'X_Original_URL'];

const rego = (system: string) => `package rules.${system}

headers := input.action.headers

hold contains {"rule": "held", "reviewers": ["finance"]} if input.action.segments[0] == "held"

block contains {"rule": "delete-by-soap"} if contains(headers.soapaction, "Delete")

block contains {"rule": "put-item"} if endswith(headers["x-amz-target"], ".PutItem")

block contains {"rule": "live-tenant"} if headers["xero-tenant-id"] == "live"

block contains {"rule": "live-mode"} if headers["x-mode"] == "live"

block contains {"rule": "as-root"} if headers.sudo == "root"

allow contains {"rule": "all"}
`;

/** Holds are stored as an earlier version did. */
const earlier = { version: false };

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: {
      usual: { upstream: upstream.url, credential: { header: 'authorization', value: 'Bearer system' } },
      named: { upstream: upstream.url, headers: NAMED, cookies: 'pass' },
    },
    rego: { 'usual.rego': rego('usual'), 'named.rego': rego('named') },
    through: (store): Store => ({
      ...store,
      holds: {
        ...store.holds,
        open: (draft, sender) =>
          store.holds.open(earlier.version ? { ...draft, digest: draft.earlierDigest! } : draft, sender),
      },
    }),
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };

function call(path: string, headers: Record<string, string> = {}, body: string | Uint8Array<ArrayBuffer> = '{}') {
  return fetch(`${plane.url}${path}`, {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${TOKEN}`, ...JSON_TYPE, prefer: 'wait=0', ...headers },
  });
}

/** An allowed call: how it arrived at the system, and what policy saw of its headers. */
async function passed(system: string, headers: Record<string, string>) {
  const path = `/${randomUUID()}`;
  expect((await call(`/${system}${path}`, headers)).status).toBe(200);
  return { arrived: arrivedAt(path).at(-1)!, seen: seenBy(await decidedAt(path)) };
}

const arrivedAt = (path: string): Received[] => upstream.received.filter(({ url }) => url === path);

async function decidedAt(path: string): Promise<Event> {
  return (await plane.events()).find(({ type, path: at }) => type === 'call.decided' && at === path)!;
}

function seenBy({ input }: Event): Record<string, string> {
  return (JSON.parse(String(input)) as { action: { headers: Record<string, string> } }).action.headers;
}

/** Holds the call. Returns the id of its hold. */
async function held(...[path, headers, body]: Parameters<typeof call>): Promise<string> {
  const answer = await call(path, headers, body);
  expect(answer.status).toBe(503);
  return ((await answer.json()) as { hold_id: string }).hold_id;
}

/** Headers by which a call acts otherwise than policy judged it, with the source of the case. */
const ACTING: readonly (readonly [name: string, source: string])[] = [
  ['sudo', 'GitLab acts as another user'],
  ['impersonate-user', 'Kubernetes acts as another user'],
  ['impersonate-group', 'Kubernetes acts as a member of a group'],
  ['impersonate-extra-scopes', 'Kubernetes adds to the user'],
  ['x-act-as-user', 'acts as another user'],
  ['x-on-behalf-of', 'Zendesk acts as an end user'],
  ['as-user', 'Box acts as a managed user'],
  ['es-security-runas-user', 'Elasticsearch acts as another user'],
  ['dropbox-api-select-user', 'Dropbox acts as a member of the team'],
  ['mscrmcallerid', 'Dataverse acts as another user'],
  ['x-original-url', 'IIS and Symfony follow it instead of the path'],
  ['x-rewrite-url', 'IIS follows it instead of the path'],
  ['x-original-method', 'a proxy names another method'],
  ['x-forwarded-for', 'an agent forges its address'],
  ['x-forwarded-user', 'a proxy vouches for a user'],
  ['x-forwarded-prefix', 'frameworks put it before the path'],
  ['x-forwarded-email', 'oauth2-proxy vouches for a user'],
  ['forwarded', 'RFC 7239'],
  ['x-remote-user', 'Kubernetes trusts it from its front proxy'],
  ['remote-user', 'WSGI applications trust it'],
  ['x-auth-request-user', 'oauth2-proxy vouches for a user'],
  ['x-webauth-user', 'Grafana trusts it from its proxy'],
  ['x-user-id', 'services trust it from their gateway'],
  ['x-real-ip', 'nginx vouches for the address'],
  ['true-client-ip', 'a CDN vouches for the address'],
  ['x-middleware-subrequest', 'Next.js skips its middleware, CVE-2025-29927'],
  ['x-sendfile-type', 'Rack::Sendfile, CVE-2025-61780'],
  ['proxy', 'httpoxy, CVE-2016-5385'],
  ['private-token', 'GitLab takes a foreign credential'],
  ['api-key', 'Azure takes a foreign credential'],
  ['x-auth-token', 'OpenStack takes a foreign credential'],
  ['x-goog-api-key', 'Google takes a foreign credential'],
  ['dd-application-key', 'Datadog takes a foreign credential'],
  ['ocp-apim-subscription-key', 'Azure API Management takes a foreign credential'],
  ['x-amz-security-token', 'AWS takes a foreign credential'],
  ['x-hub-signature-256', 'a foreign signature'],
  ['proxy-authorization', 'a credential for a proxy'],
  ['cookie', 'a foreign session'],
];

describe('a header by which a call could act otherwise than it was judged', () => {
  test.each(ACTING)('%s is not sent unless the system names it: %s', async (name) => {
    const { arrived, seen } = await passed('usual', { [name]: 'somebody' });
    expect(arrived.headers).not.toHaveProperty(name);
    expect(seen).not.toHaveProperty(name);
  });

  test('the spelling of a header with underscores makes no difference', async () => {
    const { arrived } = await passed('usual', { X_Forwarded_User: 'admin', private_token: 'glpat-1' });
    expect(Object.keys(arrived.headers).filter((name) => name.includes('_'))).toEqual([]);
  });

  test('a header that the system names is judged and sent', async () => {
    const { arrived, seen } = await passed('named', { 'x-forwarded-user': 'ana', 'x-original-url': '/a', sudo: 'ana' });
    expect(arrived.headers).toMatchObject({ 'x-forwarded-user': 'ana', 'x-original-url': '/a', sudo: 'ana' });
    expect(seen).toMatchObject({ 'x-forwarded-user': 'ana', 'x-original-url': '/a', sudo: 'ana' });
    expect((await call('/named/projects', { Sudo: 'root' })).status).toBe(403);
  });

  test('a credential that the system names is sent, an approval binds to it, and no record has it', async () => {
    const secret = randomUUID();
    const { arrived, seen } = await passed('named', { 'private-token': secret, cookie: `session=${secret}` });
    expect(arrived.headers).toMatchObject({ 'private-token': secret, cookie: `session=${secret}` });
    expect(seen).not.toHaveProperty('private-token');
    expect(JSON.stringify([await plane.events(), plane.logged])).not.toContain(secret);
    const path = `/named/held/${randomUUID()}`;
    expect(await held(path, { cookie: 'a=1' })).not.toBe(await held(path, { cookie: 'a=2' }));
  });

  test('an approval of a call does not cover the same call with a header that would act', async () => {
    const path = `/held/${randomUUID()}`;
    const id = await held(`/usual${path}`);
    await approve(plane.store, id);
    // The hold is found, and what is sent is what was approved.
    const redeemed = await call(`/usual${path}`, {
      'x-forwarded-user': 'admin',
      'private-token': 'x',
      prefer: 'wait=9',
    });
    expect(redeemed.status).toBe(200);
    expect(arrivedAt(path)).toHaveLength(1);
    expect(arrivedAt(path)[0]!.headers).not.toHaveProperty('x-forwarded-user');
    expect(arrivedAt(path)[0]!.headers).not.toHaveProperty('private-token');
  });

  test('a named header makes another call of a held one', async () => {
    const path = `/named/held/${randomUUID()}`;
    expect(await held(path, { sudo: 'ana' })).not.toBe(await held(path, { sudo: 'ben' }));
  });
});

describe('a header that chooses the operation or the tenant', () => {
  test.each([
    ['SOAPAction', '"urn:crm#DeleteAccount"', '"urn:crm#GetAccount"', 'apiman/apiman-plugins#55; 3scale/APIcast#605'],
    ['X-Amz-Target', 'DynamoDB_20120810.PutItem', 'DynamoDB_20120810.GetItem', 'the AWS JSON protocol'],
    ['Xero-Tenant-Id', 'live', 'demo', 'the documentation of Xero'],
    ['X-Mode', 'live', 'dry-run', 'a header that the gateway does not know'],
  ])('%s is visible to rules, and an approval binds to it (%3$s)', async (name, blocked, allowed) => {
    expect((await call('/usual/x', { [name]: blocked })).status).toBe(403);
    const { arrived } = await passed('usual', { [name]: allowed });
    expect(arrived.headers[name.toLowerCase()]).toBe(allowed);
    const path = `/usual/held/${randomUUID()}`;
    expect(await held(path, { [name]: allowed })).not.toBe(await held(path, { [name]: `${allowed}2` }));
  });

  test('a rule sees an unknown header whose name has an underscore', async () => {
    expect((await call('/usual/x', { x_mode: 'live' })).status).toBe(403);
  });

  test('a secret in an unknown header is sent, but policy and the record do not have it', async () => {
    const secret = `ghp_${randomUUID().replaceAll('-', '')}`;
    const { arrived, seen } = await passed('usual', { 'x-note': `Bearer ${secret}` });
    expect(arrived.headers['x-note']).toBe(`Bearer ${secret}`);
    expect(seen['x-note']).not.toContain(secret);
    expect(JSON.stringify(await plane.events())).not.toContain(secret);
  });
});

describe('a retry of a held call', () => {
  test.each([
    ['langsmith-trace', 'langchain-ai/langsmith'],
    ['baggage', 'W3C Baggage'],
    ['traceparent', 'W3C Trace Context'],
    ['tracestate', 'W3C Trace Context'],
    ['x-instana-t', 'Instana'],
    ['x-instana-s', 'Instana'],
    ['x-dynatrace', 'Dynatrace'],
    ['request-context', 'Application Insights'],
    ['request-id', 'Application Insights'],
    ['x-ot-span-context', 'OpenTracing'],
    ['ot-tracer-spanid', 'Lightstep'],
    ['x-honeycomb-trace', 'Honeycomb'],
    ['x-datadog-trace-id', 'Datadog'],
    ['sentry-trace', 'Sentry'],
    ['b3', 'Zipkin'],
    ['x-b3-spanid', 'Zipkin'],
    ['x-amzn-trace-id', 'AWS X-Ray, hashicorp/vault-lambda-extension#146'],
    ['x-cloud-trace-context', 'Google Cloud Trace'],
    ['newrelic', 'New Relic'],
    ['elastic-apm-traceparent', 'Elastic APM'],
    ['uber-trace-id', 'Jaeger'],
    ['sw8', 'SkyWalking'],
    ['singularityheader', 'AppDynamics'],
    ['x-acme-trace-id', 'a tracer that the gateway does not know'],
    ['x-correlation-id', 'many clients'],
    ['x-ms-client-request-id', 'the Azure SDKs'],
    ['x-stainless-retry-count', 'the SDKs of OpenAI and Anthropic'],
    ['x-stripe-client-telemetry', 'the Stripe SDKs'],
    ['amz-sdk-request', 'the AWS SDKs'],
    ['x-goog-api-client', 'the Google SDKs'],
    ['user-agent', 'another version of a client'],
  ])('a retry that differs in %s finds the same hold (%s)', async (name) => {
    const path = `/usual/held/${randomUUID()}`;
    expect(await held(path, { [name]: '00-1' })).toBe(await held(path, { [name]: '00-2' }));
    const { arrived } = await passed('usual', { [name]: '00-3' });
    expect(arrived.headers[name]).toBe('00-3');
  });

  test('a tracing header that the system names makes another call', async () => {
    const path = `/named/held/${randomUUID()}`;
    expect(await held(path, { traceparent: '00-1' })).not.toBe(await held(path, { traceparent: '00-2' }));
  });

  test('a retry with other spacing and order of members finds the same hold, and the held bytes are sent', async () => {
    const path = `/held/${randomUUID()}`;
    const id = await held(`/usual${path}`, {}, '{"amount": 5, "to": "acme"}');
    expect(await held(`/usual${path}`, {}, '{"to":"acme","amount":5}')).toBe(id);
    expect(await held(`/usual${path}`, {}, '{"to":"acme","amount":6}')).not.toBe(id);
    await approve(plane.store, id);
    const answer = await call(`/usual${path}`, { prefer: 'wait=9' }, '{"to":"acme","amount":5}');
    expect(answer.status).toBe(200);
    expect(arrivedAt(path).map(({ body }) => body.toString())).toEqual(['{"amount": 5, "to": "acme"}']);
  });

  test('a retry with another multipart boundary finds the same hold, and the held bytes are sent', async () => {
    const path = `/held/${randomUUID()}`;
    const upload = (content: string) => {
      const form = new FormData();
      form.set('purpose', 'fine-tune');
      form.set('file', new Blob([content], { type: 'text/plain' }), 'a.txt');
      // A new boundary each time.
      const { headers, body } = new Request('http://a', { method: 'POST', body: form, duplex: 'half' });
      return new Response(body, { headers });
    };
    const send = async (content: string, prefer = 'wait=0') => {
      const one = upload(content);
      const bytes = new Uint8Array(await one.arrayBuffer());
      return { one: { 'content-type': one.headers.get('content-type')!, prefer }, bytes };
    };
    const first = await send('one');
    const again = await send('one', 'wait=9');
    const other = await send('two');
    expect(again.one['content-type']).not.toBe(first.one['content-type']);
    const id = await held(`/usual${path}`, first.one, first.bytes);
    expect(await held(`/usual${path}`, { ...again.one, prefer: 'wait=0' }, again.bytes)).toBe(id);
    expect(await held(`/usual${path}`, other.one, other.bytes)).not.toBe(id);
    await approve(plane.store, id);
    expect((await call(`/usual${path}`, again.one, again.bytes)).status).toBe(200);
    expect(arrivedAt(path).map(({ body }) => Buffer.compare(body, first.bytes))).toEqual([0]);
    expect(arrivedAt(path)[0]!.headers['content-type']).toBe(first.one['content-type']);
  });
});

describe('a hold that an earlier version opened', () => {
  test.each(['usual', 'named'])(
    'a retry of the call at the system %s finds it, and it is released once',
    async (system) => {
      const path = `/held/${randomUUID()}`;
      const headers = { sudo: 'ana', 'x-forwarded-user': 'ana', traceparent: '00-1' };
      earlier.version = true;
      const id = await held(`/${system}${path}`, headers);
      earlier.version = false;
      expect(await held(`/${system}${path}`, headers)).toBe(id);
      await approve(plane.store, id);
      expect((await call(`/${system}${path}`, { ...headers, prefer: 'wait=9' })).status).toBe(200);
      expect(arrivedAt(path)).toHaveLength(1);
      expect(await plane.store.holds.find(id)).toMatchObject({ status: 'approved', execution: 'executed' });
    },
  );
});
