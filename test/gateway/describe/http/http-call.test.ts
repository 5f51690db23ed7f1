import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_WORDS } from '../../../../gateway/domain/words.ts';
import { createDescriber } from '../../../../gateway/describe/http/http-call.ts';
import { hasTwins } from '../../../helpers/twins.ts';
import { problemOf, testArrival, testSystem } from './arrival.ts';
import { inputText } from '../../../../gateway/domain/call-input.ts';

const describeCall = createDescriber(testSystem());
const JSON_TYPE = { 'Content-Type': 'application/json' };
const FORM_TYPE = { 'Content-Type': 'application/x-www-form-urlencoded' };

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into it freely
const inputOf = (...call: Parameters<typeof testArrival>): any =>
  JSON.parse(inputText(describeCall(testArrival(...call)).input));

describe('the policy input', () => {
  test('the policy input has the principal, the action, the resource and the claims', () => {
    const head = {
      Host: 'localhost',
      Authorization: 'Bearer secret',
      Cookie: 'a=secret',
      'X-Api-Key': 'secret',
      'User-Agent': 'Stripe/v1 "NodeBindings"',
      'Idempotency-Key': 'key-1',
      'Agent-Context': 'task="T-1", client="acme", confidence=0.9, flags=("pii"), reversible=?0, session="s-1", x=1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      ...JSON_TYPE,
    };
    const arrival = testArrival('POST /v1/charges/ch_3NxAbCd/refunds?expand[]=a&expand[]=b', head, '{"amount": 1250}');
    const call = describeCall(arrival);

    expect(JSON.parse(inputText(call.input))).toEqual({
      principal: {
        agent: 'billing-bot',
        owner: 'ana@example.com',
        roles: ['payer'],
        on_behalf_of: [],
        session: 's-1',
      },
      action: {
        system: 'payments',
        operation: 'POST /v1/charges/{id}/refunds',
        method: 'POST',
        path: '/v1/charges/ch_3NxAbCd/refunds',
        segments: ['v1', 'charges', 'ch_3NxAbCd', 'refunds'],
        query: { expand: ['a', 'b'] },
        headers: {
          'user-agent': 'Stripe/v1 "NodeBindings"',
          'idempotency-key': 'key-1',
          'content-type': 'application/json',
        },
        protocol: 'http',
        body_bytes: 16,
        body: { amount: 1250 },
      },
      resource: { type: 'refunds', id: null },
      context: {
        time: '2026-11-21T03:40:00.007Z',
        ip: '127.0.0.1',
        task: 'T-1',
        client: 'acme',
        confidence: 0.9,
        flags: ['pii'],
        reversible: false,
        claims: {
          task: 'T-1',
          client: 'acme',
          confidence: 0.9,
          flags: ['pii'],
          reversible: false,
          session: 's-1',
          x: 1,
        },
      },
    });
    expect(call.input).not.toContain('secret');
    expect(call).toMatchObject({
      id: 'call_1',
      system: 'payments',
      operation: 'POST /v1/charges/{id}/refunds',
      target: '/v1/charges/ch_3NxAbCd/refunds?expand[]=a&expand[]=b',
      path: '/v1/charges/ch_3NxAbCd/refunds',
      resource: { type: 'refunds', id: null },
      idempotencyKey: 'key-1',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      claims: { task: 'T-1' },
    });
    expect(call.headers).toBe(arrival.rawHeaders);
    expect(call.body).toBe(arrival.body);
  });

  test('the policy input leaves out what a call does not have', () => {
    const call = describeCall(testArrival('GET /v1/customers/cus_ABC'));
    expect(JSON.parse(inputText(call.input))).toEqual({
      principal: { agent: 'billing-bot', owner: 'ana@example.com', roles: ['payer'], on_behalf_of: [], session: null },
      action: {
        system: 'payments',
        operation: 'GET /v1/customers/{id}',
        method: 'GET',
        path: '/v1/customers/cus_ABC',
        segments: ['v1', 'customers', 'cus_ABC'],
        query: {},
        headers: {},
        protocol: 'http',
        body_bytes: 0,
      },
      resource: { type: 'customers', id: 'cus_ABC' },
      context: { time: '2026-11-21T03:40:00.007Z', ip: '127.0.0.1', flags: [], claims: {} },
    });
    expect(call).toMatchObject({ idempotencyKey: null, traceId: null, claims: {} });
  });

  test('the policy input leaves out a header that the operator made a credential', () => {
    const describeOther = createDescriber(
      testSystem({
        agentCredential: { header: 'OpenAI-Organization' },
        credential: { headers: [{ name: 'Stripe-Account', value: 'x' }], query: [] },
      }),
    );
    const head = { 'OpenAI-Organization': 'secret', 'Stripe-Account': 'secret', Accept: '*/*' };
    expect(JSON.parse(inputText(describeOther(testArrival('GET /', head)).input)).action.headers).toEqual({
      accept: '*/*',
    });
  });

  test('the policy input writes the IPv4 address of a caller on a dual-stack socket as IPv4', () => {
    const ipOf = (ip: string) => JSON.parse(inputText(describeCall({ ...testArrival('GET /'), ip }).input)).context.ip;
    expect(ipOf('::ffff:10.0.0.7')).toBe('10.0.0.7');
    expect(ipOf('fe80::1')).toBe('fe80::1');
  });

  test('the policy input names operations by the OpenAPI document of the system', () => {
    const openapi = { openapi: '3.1.0', paths: { '/v1/refunds': { post: { operationId: 'PostRefunds' } } } };
    const call = createDescriber(testSystem({ openapi }))(testArrival('POST /v1/refunds'));
    expect(call.operation).toBe('PostRefunds');
    expect(JSON.parse(inputText(call.input)).action.operation).toBe('PostRefunds');
  });

  test('the policy input is the same for a remembered path and a forgotten one', () => {
    const first = describeCall(testArrival('GET /v1/things/7')).input;
    for (let index = 0; index < 1500; index++) describeCall(testArrival(`GET /v1/things/${index}`));
    expect(describeCall(testArrival('GET /v1/things/7')).input).toBe(first);
    expect(describeCall(testArrival('GET /v1/things/7')).input).toBe(first);
  });
});

describe('bodies in the policy input', () => {
  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/merge-patch+json',
    'application/vnd.api+json; ext="x"',
    'text/json',
    'application/x-amz-json-1.0',
  ])('a body of type %s is read as JSON', (type) => {
    expect(inputOf('POST /v1/x', { 'Content-Type': type }, '{"a":1}').action.body).toEqual({ a: 1 });
  });

  test.each(['application/apply-patch+yaml', 'application/yaml; charset=utf-8'])(
    'a body of type %s that is JSON is read as JSON, as Kubernetes clients send it',
    (type) => {
      expect(inputOf('PATCH /v1/x', { 'Content-Type': type }, '{"a":1}\n').action.body).toEqual({ a: 1 });
    },
  );

  test.each(['a: 1\n', '{a: 1}\n', '{"a": 1}\n---\n{"a": 2}\n', '- 1\n'])(
    'policy sees only the size of the YAML %j',
    (body) => {
      const { action } = inputOf('PATCH /v1/x', { 'Content-Type': 'application/yaml' }, body);
      expect(action).not.toHaveProperty('body');
      expect(action.body_bytes).toBe(body.length);
    },
  );

  test('a form is read as a form', () => {
    const { action } = inputOf('POST /v1/x', FORM_TYPE, 'amount=1250&metadata[order]=6735');
    expect(action.body).toEqual({ amount: '1250', metadata: { order: '6735' } });
    expect(action.body_bytes).toBe(32);
  });

  test.each([
    ['another type', { 'Content-Type': 'application/octet-stream' }],
    ['text', { 'Content-Type': 'text/plain; charset=utf-16' }],
    ['no type', {}],
  ])('policy sees only the size of a body of %s', (_, head) => {
    const { action } = inputOf('POST /v1/x', head as Record<string, string>, '{"a":1}');
    expect(action).not.toHaveProperty('body');
    expect(action.body_bytes).toBe(7);
  });

  test.each(['GET', 'POST', 'DELETE'])('the body of a %s is judged', (method) => {
    expect(inputOf(`${method} /v1/x`, JSON_TYPE, '{"a":1}').action.body).toEqual({ a: 1 });
  });

  test('a request without bytes has no body, whatever its type', () => {
    expect(inputOf('POST /v1/x', JSON_TYPE).action).not.toHaveProperty('body');
    expect(inputOf('POST /v1/x', FORM_TYPE).action).not.toHaveProperty('body');
  });

  test('a body of false or null differs from no body', () => {
    expect(inputOf('POST /v1/x', JSON_TYPE, 'null').action).toHaveProperty('body', null);
    expect(inputOf('POST /v1/x', JSON_TYPE, 'false').action).toHaveProperty('body', false);
  });

  test.each([
    ['JSON in UTF-16', 'application/json; charset=utf-16'],
    ['JSON in UTF-7', 'application/json;charset=utf-7'],
    ['JSON in EBCDIC', 'application/json; charset = "IBM037"'],
    ['a charset after a harmless one', 'application/json; charset=utf-8; charset=utf-16'],
    ['an extended charset parameter', "application/json; charset*=utf-16''x"],
    ['a form in UTF-16', 'application/x-www-form-urlencoded; charset=utf-16'],
    ['two types in one', 'application/json, text/plain'],
    ['a type that is none', 'json'],
    ['an empty type', ''],
  ])('a body of an ambiguous type is refused: %s', (_, type) => {
    expect(problemOf(() => inputOf('POST /v1/x', { 'Content-Type': type }, '{}')).code).toBe('bad-body');
  });

  test.each([
    '{"_method":"DELETE"}',
    '{"\\u005fmethod":"DELETE"}',
    '{"a":1,"_METHOD":"DELETE"}',
    '{"X-HTTP-Method-Override":"DELETE"}',
  ])('the method override in the body %s is refused', (body) => {
    for (const long of [body, body.replace('{', `{"filler":"${'x'.repeat(2_000)}",`)])
      expect(problemOf(() => inputOf('POST /v1/x', JSON_TYPE, long)).message).toMatch(/overrides the method/);
  });

  test.each([
    '{"payment_method":"card"}',
    '{"a":{"_method":"x"}}',
    '["_method"]',
    '"_method"',
    '{"a":"\\u00e9"}',
    'null',
  ])('the body %s has no method override', (body) => {
    expect(inputOf('POST /v1/x', JSON_TYPE, body).action.body).toEqual(JSON.parse(body));
  });

  test('a JSON body is in the input byte for byte', () => {
    const formatted = fc
      .tuple(fc.jsonValue(), fc.constantFrom(0, 2, '\t', '\r\n'), fc.constantFrom('', ' ', '\n\t'))
      .map(([value, indent, margin]) => margin + JSON.stringify(value, null, indent) + margin);
    fc.assert(
      fc.property(formatted, (text) => {
        fc.pre(!/[&;]/.test(text) && !hasTwins(JSON.parse(text)));
        const call = describeCall(testArrival('POST /v1/x', JSON_TYPE, text));
        expect(call.input).toContain(`"body":${text}}`);
        expect(JSON.parse(inputText(call.input)).action.body).toEqual(JSON.parse(text));
        expect(call.body.toString()).toBe(text);
      }),
    );
  });

  test('a JSON body in the input keeps integers that JavaScript would round', () => {
    const text = '{"id":9007199254740993,"amount":10000000000000000000000001}';
    expect(describeCall(testArrival('POST /v1/x', JSON_TYPE, text)).input).toContain(text);
  });
});

describe('calls with several readings', () => {
  const actionsOf = (path: string, changes: Parameters<typeof testSystem>[0] = {}) => {
    const call = createDescriber(testSystem(changes))(testArrival(`GET ${path}`));
    return [call.input, ...call.otherReadings].map((input) => JSON.parse(inputText(input)).action);
  };
  const openapi = { openapi: '3.1.0', paths: { '/v1/files/{name}': { get: { operationId: 'GetFile' } } } };

  test('each reading has its own segments, path and operation, and the number of readings', () => {
    expect(actionsOf('/v1/files/src%2fa.ts', { openapi })).toMatchObject([
      { path: '/v1/files/src%2fa.ts', segments: ['v1', 'files', 'src/a.ts'], operation: 'GetFile', readings: 2 },
      { path: '/v1/files/src/a.ts', operation: 'GET /v1/files/src/a.ts', readings: 2 },
    ]);
  });

  test('the call is named by its first reading, and its target stays as it was sent', () => {
    const call = createDescriber(testSystem({ openapi }))(testArrival('GET /v1/files/%61%2fb?x=%2f'));
    expect(call).toMatchObject({
      operation: 'GetFile',
      target: '/v1/files/%61%2fb?x=%2f',
      path: '/v1/files/%61%2fb',
      resource: { type: 'files', id: 'a/b' },
    });
  });

  test('a path that the OpenAPI document spells in another case is judged in both, unless its system declares case', () => {
    const sent = { path: '/V1/Files/A.ts', segments: ['V1', 'Files', 'A.ts'] };
    const spelled = { path: '/v1/files/A.ts', segments: ['v1', 'files', 'A.ts'] };
    expect(actionsOf(sent.path, { openapi })).toMatchObject([sent, spelled]);
    expect(actionsOf(sent.path, { openapi, path: { case: 'sensitive' } })).toMatchObject([sent]);
    expect(actionsOf(spelled.path, { openapi })).toMatchObject([spelled]);
    const path = { case: 'insensitive' } as const;
    expect(actionsOf(sent.path, { openapi, path })).toMatchObject([{ ...spelled, path: sent.path }, spelled]);
  });

  test('names of a system without regard to case come in lower case, and identifiers as sent', () => {
    const segments = ['admin', 'api_v2', 'ch_3NxA'];
    expect(actionsOf('/Admin/API_V2/ch_3NxA', { path: { case: 'insensitive' } })).toMatchObject([
      { path: '/Admin/API_V2/ch_3NxA', segments, operation: 'GET /admin/api_v2/{id}' },
      { path: '/admin/api_v2/ch_3NxA', segments, operation: 'GET /admin/api_v2/{id}' },
    ]);
    expect(actionsOf('/Admin')).toMatchObject([{ segments: ['Admin'] }]);
  });

  test('a path that is encoded without need is judged in its plain spelling too, if policy reads the path', () => {
    const [sent, plain] = actionsOf('/%7Eme/%61');
    expect(sent).toMatchObject({ path: '/%7Eme/%61', segments: ['~me', 'a'], operation: 'GET /~me/a' });
    expect(plain).toEqual({ ...sent, path: '/~me/a' });
    const sees = (input: string) => JSON.stringify(JSON.parse(input).action.segments);
    const bySegments = createDescriber(testSystem(), { sees, words: () => NO_WORDS });
    expect(bySegments(testArrival('GET /%7Eme/%61')).otherReadings).toEqual([]);
  });

  test('a call with more than four readings is refused, with a word on what to send', () => {
    const attempt = () => describeCall(testArrival('GET /a%2Fb//c;d'));
    expect(problemOf(attempt)).toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('declare how the system reads'),
    });
  });

  test('a call without a path has the path of a slash', () => {
    expect(describeCall(testArrival('GET ?a=b'))).toMatchObject({ target: '?a=b', path: '/', operation: 'GET /' });
  });
});

describe('refused calls', () => {
  test.each([
    ['a path that could be another one', 'GET /v1/../admin', {}, '', 'ambiguous-path'],
    ['a method override in the query', 'POST /v1/x?_method=DELETE', {}, '', 'bad-request'],
    ['an unreadable query', 'GET /v1/x?a=%f', {}, '', 'bad-request'],
    ['unreadable claims', 'GET /v1/x', { 'Agent-Context': '{}' }, '', 'bad-context'],
    ['JSON with a name twice', 'POST /v1/x', JSON_TYPE, '{"a":1,"a":2}', 'bad-body'],
    ['a form with a name in two cases', 'POST /v1/x', FORM_TYPE, 'a=1&A=2', 'bad-body'],
  ])('a call is refused for %s', (_, line, head, body, code) => {
    expect(problemOf(() => describeCall(testArrival(line, head as Record<string, string>, body))).code).toBe(code);
  });

  test('an agent cannot change the shape of the input', () => {
    const word = fc.string({ unit: fc.constantFrom(...'a1/"\\{}[]:,%&=;?. \u00e9\ud83d\ude00'), maxLength: 12 });
    fc.assert(
      fc.property(word, word, word, word, (path, query, agent, body) => {
        const head = { 'User-Agent': agent, 'Idempotency-Key': query, ...FORM_TYPE };
        let input: string;
        try {
          input = inputText(
            describeCall(testArrival(`POST /${encodeURI(path)}?${encodeURI(query)}`, head, body)).input,
          );
        } catch {
          return;
        }
        const value = JSON.parse(input);
        expect(Object.keys(value)).toEqual(['principal', 'action', 'resource', 'context']);
        expect(value.principal.agent).toBe('billing-bot');
        expect(value.action.headers['user-agent']).toBe(agent);
        expect(value.context.claims).toEqual({});
      }),
      { numRuns: 1000 },
    );
  });
});
