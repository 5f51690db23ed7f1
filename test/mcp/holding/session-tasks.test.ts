import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  CancelTaskResultSchema,
  CreateTaskResultSchema,
  GetTaskResultSchema,
  type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../gateway/identify/token.ts';
import { writeFiles } from '../../helpers/folder.ts';
import {
  createPlace,
  eventually,
  REVIEWER_TOKEN,
  TOKEN,
  type Place,
  type RunningGateway,
} from '../../helpers/gateway.ts';
import { startLegacyServer, type TestServer } from '../legacy-server.ts';
import { OTHER_TOKEN } from './scene.ts';

const RULES = `package rules.ledger

allow contains {"rule": "small"} if {
	input.action.tool == "refund"
	input.action.arguments.amount <= 100
}

allow contains {"rule": "export"} if input.action.tool == "export"

hold contains {"rule": "large", "reviewers": ["finance"]} if {
	input.action.tool == "refund"
	input.action.arguments.amount > 100
}

block contains {"rule": "no-millions", "reason": "No refund is that large."} if {
	input.action.tool == "refund"
	input.action.arguments.amount > 1000000
}
`;

let server: TestServer;
let place: Place;
let gateway: RunningGateway;

beforeAll(async () => {
  server = await startLegacyServer();
  const agent = (id: string, token: string) => ({
    id,
    owner: 'ana@example.com',
    token_sha256: hashToken(token),
    systems: ['ledger', 'open'],
  });
  place = await createPlace(server.url, {
    policies: writeFiles({
      'ledger.rego': RULES,
      'open.rego': 'package rules.open\n\nallow contains {"rule": "all"}\n',
    }).path,
    systems: {
      ledger: { upstream: server.url, mcp: '/mcp', wait: '20s' },
      open: { upstream: server.url, mcp: '/mcp' },
    },
    agents: [agent('refund-bot', TOKEN), agent('other-bot', OTHER_TOKEN)],
    reviewers: [{ id: 'ben@example.com', token_sha256: hashToken(REVIEWER_TOKEN), groups: ['finance'] }],
  });
  gateway = await place.start();
});
afterAll(async () => {
  await place?.remove();
  await server?.close();
});

async function connect(system = 'ledger', token = TOKEN): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/${system}/mcp`), { requestInit }));
  return client;
}

/** Calls a tool as a task, as clients do that know tasks, and follows it to its end. */
async function follow(client: Client, args: object, onTask: (taskId: string) => void = () => {}) {
  const said: string[] = [];
  const called = client.experimental.tasks.callToolStream(
    { name: 'refund', arguments: args as Record<string, unknown> },
    CallToolResultSchema,
  );
  for await (const message of called) {
    said.push(message.type);
    if (message.type === 'taskCreated') onTask(message.task.taskId);
    if (message.type === 'error') throw message.error;
    if (message.type === 'result') return { said, result: message.result as CallToolResult };
  }
  throw new Error(`no result after ${said.join(', ')}`);
}

const create = (client: Client, args: object, name = 'refund') =>
  client.request(
    { method: 'tools/call', params: { name, arguments: args, task: { ttl: 60_000 } } },
    CreateTaskResultSchema,
  );
const executed = (amount: number) => server.executed.filter((call) => call === `refund {"amount":${amount}}`);

test('a server whose tools may be held offers tasks, for those tools alone', async () => {
  const client = await connect();
  expect(client.getServerCapabilities()?.tasks).toEqual({ cancel: {}, requests: { tools: { call: {} } } });
  const { tools } = await client.listTools();
  const support = Object.fromEntries(tools.map(({ name, execution }) => [name, execution?.taskSupport]));
  expect(support).toMatchObject({ refund: 'optional' });
  expect(support['export']).not.toBe('optional');
  await client.close();
});

test('a server whose tools cannot be held offers none', async () => {
  const client = await connect('open');
  expect(client.getServerCapabilities()?.tasks).toBeUndefined();
  const { tools } = await client.listTools();
  expect(tools.map(({ execution }) => execution?.taskSupport)).not.toContain('optional');
  await client.close();
});

test('a held call is a task, which a client follows from its approval to the result of the server', async () => {
  const client = await connect();
  await client.listTools();
  const { said, result } = await follow(client, { amount: 700 }, (taskId) => void gateway.approve(taskId));
  expect(said).toContain('taskCreated');
  expect(result).toMatchObject({ structuredContent: { refunded: 700 } });
  expect(executed(700)).toHaveLength(1);
  await client.close();
});

test('a call that is not held runs as a task too, and its result is there for any worker', async () => {
  const client = await connect();
  await client.listTools();
  const { said, result } = await follow(client, { amount: 7 });
  expect(said[0]).toBe('taskCreated');
  expect(result).toMatchObject({
    structuredContent: { refunded: 7 },
    _meta: { 'io.modelcontextprotocol/related-task': { taskId: expect.stringMatching(/^task_/) } },
  });
  expect(executed(7)).toHaveLength(1);
  await client.close();
});

test('a blocked call is a task that has ended, so that the model reads why', async () => {
  const client = await connect();
  await client.listTools();
  const { result } = await follow(client, { amount: 2_000_000 });
  expect(result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('No refund is that large') }],
  });
  expect(executed(2_000_000)).toHaveLength(0);
  await client.close();
});

test('a rejected call is a completed task with the note of the reviewer', async () => {
  const client = await connect();
  const { task } = await create(client, { amount: 701 });
  expect(task).toMatchObject({ status: 'working', pollInterval: 5000 });
  await gateway.admin({
    method: 'POST',
    path: `/api/holds/${task.taskId}/reject`,
    headers: { 'if-match': '"1"' },
    body: JSON.stringify({ code: 'wrong-amount', note: 'at most 500' }),
  });
  const shown = await client.experimental.tasks.getTask(task.taskId);
  expect(GetTaskResultSchema.parse(shown)).toMatchObject({ status: 'completed' });
  const result = await client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('at most 500') }] });
  await client.close();
});

test('the result of a task is waited for on its stream until people have decided', async () => {
  const client = await connect();
  const { task } = await create(client, { amount: 702 });
  const result = client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
  expect((await client.experimental.tasks.getTask(task.taskId)).status).toBe('working');
  await gateway.approve(task.taskId);
  expect(await result).toMatchObject({ structuredContent: { refunded: 702 } });
  await client.close();
});

test('a cancelled task withdraws its hold, and one that has ended cannot be cancelled', async () => {
  const client = await connect();
  const { task } = await create(client, { amount: 703 });
  const cancelled = await client.experimental.tasks.cancelTask(task.taskId);
  expect(CancelTaskResultSchema.parse(cancelled)).toMatchObject({ taskId: task.taskId, status: 'cancelled' });
  expect((await gateway.approve(task.taskId)).status).toBe(409);
  await expect(client.experimental.tasks.cancelTask(task.taskId)).rejects.toMatchObject({ code: -32602 });
  await expect(client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema)).rejects.toMatchObject({
    code: -32602,
  });
  expect(executed(703)).toHaveLength(0);
  await client.close();
});

test('the same call again is the same task while it is held', async () => {
  const client = await connect();
  const first = await create(client, { amount: 704 });
  const second = await create(client, { amount: 704 });
  expect(second.task.taskId).toBe(first.task.taskId);
  await client.close();
});

test('the task of another agent is not found, be it held or running', async () => {
  const [own, other] = [await connect(), await connect('ledger', OTHER_TOKEN)];
  const held = await create(own, { amount: 705 });
  const ran = await create(own, { amount: 5 });
  for (const { task } of [held, ran]) {
    for (const asked of ['getTask', 'cancelTask'] as const)
      await expect(other.experimental.tasks[asked](task.taskId)).rejects.toMatchObject({ code: -32602 });
    await expect(other.experimental.tasks.getTaskResult(task.taskId)).rejects.toMatchObject({ code: -32602 });
  }
  await eventually('the call that ran has ended', async () => {
    const { status } = await own.experimental.tasks.getTask(ran.task.taskId);
    return status === 'completed';
  });
  await own.close();
  await other.close();
});

test('a task held over kill -9 of the whole gateway is executed once, and its result reaches a new session', async () => {
  const before = await connect();
  const { task } = await create(before, { amount: 706 });
  await before.close();
  await gateway.killTree();
  gateway = await place.start();
  const client = await connect();
  expect((await client.experimental.tasks.getTask(task.taskId)).status).toBe('working');
  await eventually('the task has ended', async () => {
    if ((await gateway.pending()).some(({ hold_id: id }) => id === task.taskId)) await gateway.approve(task.taskId);
    return (await client.experimental.tasks.getTask(task.taskId)).status === 'completed';
  });
  const result = await client.experimental.tasks.getTaskResult(task.taskId, CallToolResultSchema);
  expect(result).toMatchObject({ structuredContent: { refunded: 706 } });
  expect(executed(706)).toHaveLength(1);
  await client.close();
});

test('a client that asks for no task gets the result as ever', async () => {
  const client = await connect();
  expect(await client.callTool({ name: 'refund', arguments: { amount: 8 } })).toMatchObject({
    structuredContent: { refunded: 8 },
  });
  await client.close();
});
