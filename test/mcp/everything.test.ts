import type { ChildProcess } from 'node:child_process';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { approve, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { spawnEverything } from './everything.ts';
import { freePort } from './free-port.ts';

const REGO = `package rules.everything

allow contains {"rule": "tools"} if input.action.tool

allow contains {"rule": "resources"} if {
	input.action.mcp.method in {"resources/read", "resources/subscribe", "prompts/get", "completion/complete"}
}

hold contains {"rule": "sum", "reason": "A person looks at it."} if input.action.arguments.a > 100

block contains {"rule": "no-sampling", "reason": "Not this."} if {
	input.action.mcp.method == "sampling/createMessage"
	contains(input.action.arguments.messages[0].content.text, "secret")
}
`;

let server: ChildProcess;
let plane: DataPlane;
let url: string;
let client: Client;
let transport: StreamableHTTPClientTransport;

beforeAll(async () => {
  const port = await freePort();
  server = spawnEverything(port);
  const upstream = `http://127.0.0.1:${port}`;
  await vi.waitFor(() => fetch(`${upstream}/mcp`), { timeout: 60_000 });
  plane = await startDataPlane({
    systems: { everything: { upstream, mcp: '/mcp', wait: '20s' } },
    rego: { 'everything.rego': REGO },
  });
  url = `${plane.url}/everything/mcp`;
}, 120_000);
beforeEach(async () => ({ client, transport } = await connect(TOKEN)));
afterEach(() => client.close());
afterAll(async () => {
  await plane?.close();
  server?.kill();
});

/** A client that can do all that a server may ask of it. */
async function connect(
  token: string,
  text = 'said by the model',
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: {} };
  const opened = new Client({ name: 'test', version: '1.0.0' }, { capabilities });
  opened.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///${token}`, name: token }] }));
  opened.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'test',
    role: 'assistant',
    content: { type: 'text', text },
  }));
  opened.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { name: 'Ana' } }));
  const to = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  await opened.connect(to);
  // The server offers some tools only once it knows what the client can do.
  await expect.poll(async () => (await opened.listTools()).tools.map(({ name }) => name)).toContain('get-roots-list');
  return { client: opened, transport: to };
}

async function textOf(name: string, args: object = {}, of = client): Promise<string> {
  const { content } = await of.callTool({ name, arguments: { ...args } });
  return (content as { text?: string }[]).map((part) => part.text ?? '').join('\n');
}

test('a server gets the roots of its client, each session its own', async () => {
  const { client: other } = await connect(OTHER_TOKEN);
  expect(await textOf('get-roots-list')).toContain(`file:///${TOKEN}`);
  expect(await textOf('get-roots-list', {}, other)).toContain(`file:///${OTHER_TOKEN}`);
  expect(await textOf('get-roots-list')).not.toContain(OTHER_TOKEN);
  await other.close();
});

test('a server may ask the model and the person of its client in the middle of a call', async () => {
  expect(await textOf('trigger-sampling-request', { prompt: 'Hello?' })).toContain('said by the model');
  expect(await textOf('trigger-elicitation-request')).toContain('Ana');
});

test('a server whose question is blocked is told, and its call comes to an end', async () => {
  const result = await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'a secret' } });
  expect(result).toMatchObject({ isError: true });
  expect(JSON.stringify(result)).toContain('does not permit');
});

test('two clients of one agent have sessions and requests of their own', async () => {
  const { client: twin, transport: twinTransport } = await connect(TOKEN, 'said by the twin');
  expect(twinTransport.sessionId).not.toBe(transport.sessionId);
  // Both count their requests from 0, so ids are equal.
  const [mine, its] = await Promise.all([
    textOf('trigger-sampling-request', { prompt: 'Hello?' }),
    textOf('trigger-sampling-request', { prompt: 'Hello?' }, twin),
  ]);
  expect([mine, its]).toEqual([expect.stringContaining('by the model'), expect.stringContaining('by the twin')]);
  const held = [textOf('get-sum', { a: 101, b: 1 }), textOf('get-sum', { a: 102, b: 1 }, twin)];
  await approveAll(2);
  expect(await Promise.all(held)).toEqual([expect.stringContaining('102'), expect.stringContaining('103')]);
  await twin.close();
});

test('progress of a call reaches its client, also of a call that was held', async () => {
  const steps = async (args: object): Promise<number[]> => {
    const seen: number[] = [];
    const onprogress = ({ progress, total }: { progress: number; total?: number | undefined }) => {
      if (total !== undefined) seen.push(progress);
    };
    const params = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3, ...args } };
    const result = client.callTool(params, undefined, { onprogress });
    if ('a' in args) await approveAll(1);
    expect(JSON.stringify(await result)).toContain('completed');
    return seen;
  };
  expect(await steps({})).toEqual([1, 2, 3]);
  expect(await steps({ a: 999 })).toEqual([1, 2, 3]);
});

test('a client that subscribes to a resource is told of its changes', async () => {
  const updated = new Promise<string>((resolve) => {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri));
  });
  const { resources } = await client.listResources();
  const { uri } = resources[0]!;
  await client.subscribeResource({ uri });
  await textOf('toggle-subscriber-updates');
  expect(await updated).toBe(uri);
  await textOf('toggle-subscriber-updates');
}, 60_000);

test('prompts, resources and completions come as the server has them', async () => {
  const { prompts } = await client.listPrompts();
  expect(prompts.length).toBeGreaterThan(0);
  expect((await client.getPrompt({ name: 'simple-prompt' })).messages).toHaveLength(1);
  const { resources } = await client.listResources();
  expect((await client.readResource({ uri: resources[0]!.uri })).contents).toHaveLength(1);
  const ref = { type: 'ref/prompt', name: 'completable-prompt' } as const;
  const { completion } = await client.complete({ ref, argument: { name: 'department', value: 'S' } });
  expect(completion.values).toEqual(['Sales', 'Support']);
});

async function approveAll(count: number): Promise<void> {
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items;
  await expect.poll(async () => (await pending()).length).toBe(count);
  for (const { id } of await pending()) await approve(plane.store, id);
}
