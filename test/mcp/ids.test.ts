import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { approve, startDataPlane, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { modern, post, request } from './speak.ts';

const REGO = `package rules.ledger

allow contains {"rule": "tools"} if input.action.tool

hold contains {"rule": "hold", "reason": "A person looks at it."} if input.action.tool == "held"

block contains {"rule": "no-drops", "reason": "Nothing is dropped here."} if input.action.tool == "drop"

block contains {"rule": "no-asking"} if input.action.mcp.from == "server"
`;

/** As JSON text: JavaScript would round some. */
const IDS = [
  '0',
  '1',
  '"1"',
  '-1',
  '""',
  '"0"',
  '"1e3"',
  '"null"',
  '"é\\u00e9\\n"',
  '9007199254740991',
  '9007199254740993',
  '-9223372036854775808',
  '1795991592054000001',
];

/** A server that answers when it is told to, each request with the arguments of its call, under the id as written. */
let server: Upstream;
let plane: DataPlane;
let url: string;
let waiting: (() => void)[] = [];
let answersAtOnce = true;

function idIn(body: string): string {
  return /"id":("(?:[^"\\]|\\.)*"|-?\d+)/.exec(body)![1]!;
}

function answer(body: string, response: ServerResponse): void {
  const { method, params } = JSON.parse(body) as { method: string; params: { arguments?: object } };
  if (method.startsWith('notifications/')) return void response.writeHead(202).end();
  if (method === 'initialize') response.setHeader('mcp-session-id', 's-1');
  const asks = { resultType: 'input_required', inputRequests: { a: { method: 'elicitation/create', params: {} } } };
  const result = method === 'prompts/get' || !params.arguments ? asks : { of: params.arguments };
  response.setHeader('content-type', 'application/json');
  response.end(`{"jsonrpc":"2.0","id":${idIn(body)},"result":${JSON.stringify(result)}}`);
}

beforeAll(async () => {
  server = await startUpstream(({ body }, response) => {
    if (answersAtOnce) answer(body.toString(), response);
    else waiting.push(() => answer(body.toString(), response));
  });
  plane = await startDataPlane({
    systems: { ledger: { upstream: server.url, mcp: '/mcp', wait: '20s' } },
    rego: { 'ledger.rego': REGO },
  });
  url = `${plane.url}/ledger/mcp`;
});
beforeEach(() => {
  server.received.splice(0);
  waiting = [];
  answersAtOnce = true;
});
afterAll(async () => {
  await plane.close();
  await server.close();
});

/** A call of a tool under an id that is JSON text, as a client of either era sends it. */
function call(id: string, era: 'legacy' | 'modern', name: string, args?: object): Promise<Response> {
  const [message, headers] =
    era === 'legacy'
      ? ([request('ID', 'tools/call', { name, arguments: args }), {}] as const)
      : modern('ID', 'tools/call', { name, arguments: args });
  return post(
    url,
    JSON.stringify(message).replace('"ID"', () => id),
    { headers },
  );
}

async function responseOf(answered: Response): Promise<string> {
  expect(answered.status).toBe(200);
  const text = await answered.text();
  return text.startsWith('{') ? text : text.split('data: ').at(-1)!.trimEnd();
}

async function approveAll(count: number): Promise<void> {
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 100 })).items;
  await expect.poll(async () => (await pending()).length).toBe(count);
  for (const { id } of await pending()) await approve(plane.store, id);
}

describe.each(['legacy', 'modern'] as const)('the id of a %s request comes back as it was written', (era) => {
  test('from the server, with all of them under way at once, answered in another order', async () => {
    answersAtOnce = false;
    const calls = IDS.map((id, n) => call(id, era, 'read', { n }));
    await expect.poll(() => waiting.length).toBe(IDS.length);
    for (const respond of waiting.toReversed()) respond();
    const responses = await Promise.all(calls.map(async (each) => responseOf(await each)));
    expect(responses).toEqual(IDS.map((id, n) => `{"jsonrpc":"2.0","id":${id},"result":{"of":{"n":${n}}}}`));
  });

  test('when all of them are held at once and approved', async () => {
    const calls = IDS.map((id, n) => call(id, era, 'held', { n, era }));
    await approveAll(IDS.length);
    const responses = await Promise.all(calls.map(async (each) => responseOf(await each)));
    expect(responses).toEqual(
      IDS.map((id, n) => `{"jsonrpc":"2.0","id":${id},"result":{"of":{"n":${n},"era":"${era}"}}}`),
    );
    expect(server.received).toHaveLength(IDS.length);
  });

  test.each(IDS)('from a refusal: %s', async (id) => {
    expect(idIn(await responseOf(await call(id, era, 'drop', {})))).toBe(id);
  });
});

test.each(IDS)('a result that may not ask its client keeps the id %s', async (id) => {
  const response = await responseOf(await call(id, 'modern', 'read'));
  expect(response).toContain('"isError":true');
  expect(idIn(response)).toBe(id);
});

test.each(['null', '1.0', '1e3', '1.5', '-0', '01', 'true', '[1]', '{}', '92233720368547758070'])(
  'the id %s, which readers do not write back alike, is refused',
  async (id) => {
    const refused = await call(id, 'legacy', 'read', {});
    expect([refused.status, server.received]).toEqual([400, []]);
    expect(await refused.text()).toContain('"id":null');
  },
);

test('a client that cancels "1" goes on waiting for 1', async () => {
  const opened = await post(url, request(0, 'initialize', {}));
  await opened.text();
  const headers = { 'mcp-session-id': opened.headers.get('mcp-session-id')! };
  const held = (id: unknown) =>
    post(url, request(id, 'tools/call', { name: 'held', arguments: { cancels: typeof id } }), { headers });
  const [number, string] = [held(1), held('1')];
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.length;
  await expect.poll(pending).toBe(2);
  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: '1' } };
  expect((await post(url, cancel, { headers })).status).toBe(202);
  expect(await (await string).text()).not.toContain('"id"');
  await approveAll(2);
  expect(await responseOf(await number)).toBe('{"jsonrpc":"2.0","id":1,"result":{"of":{"cancels":"number"}}}');
  expect(server.received.filter(({ body }) => body.includes('tools/call'))).toHaveLength(1);
});

describe('a batch', () => {
  const batch = (...messages: [id: string, name: string, args: object][]) =>
    `[${messages
      .map(([id, name, args]) =>
        JSON.stringify(request('ID', 'tools/call', { name, arguments: args })).replace('"ID"', id),
      )
      .join(',')}]`;

  test.each(['application/json', 'application/json, text/event-stream'])(
    'with calls that are held, allowed and blocked has one response for each id, to a client that takes %s',
    async (accept) => {
      const body = batch(
        ['9007199254740993', 'held', { accept }],
        ['"1"', 'drop', {}],
        ['1', 'read', { n: 1 }],
        ['9007199254740992', 'read', { n: 2 }],
      );
      const answered = post(url, body, { headers: { accept } });
      await approveAll(1);
      const text = await (await answered).text();
      for (const [id, result] of [
        ['1', '{"of":{"n":1}}'],
        ['9007199254740992', '{"of":{"n":2}}'],
        ['9007199254740993', `{"of":{"accept":"${accept}"}}`],
      ])
        expect(text).toContain(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
      expect(text).toMatch(/"id":"1","result":\{.*"isError":true/);
      expect(server.received).toHaveLength(3);
    },
  );
});
