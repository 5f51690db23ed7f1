import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { pythonWith } from '../helpers/python.ts';
import { startPython } from '../helpers/python-session.ts';

/** What a program gets for a call of a tool. */
export type ToolResult = {
  readonly isError: boolean;
  /** The text that a model reads. */
  readonly text: string;
  readonly structured: unknown;
  readonly meta: Readonly<Record<string, unknown>> | null;
};

/** A client of MCP with an open session. */
export type McpClient = {
  tools(): Promise<string[]>;
  /** Rejects if the client throws: then no model reads the result. */
  call(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolResult>;
  close(): Promise<void>;
};

/** An official client, as its users open it. */
export type ClientKind = {
  readonly name: string;
  /** The revision that it speaks with a server of both eras. */
  readonly revision: '2025-11-25' | '2026-07-28';
  connect(url: string, token: string): Promise<McpClient>;
};

/** The packages of PyPI in which the clients of Python are, each an environment of its own. */
const PYTHON = {
  'mcp 1.30': ['mcp==1.30.0'],
  'mcp 2.3': ['mcp==2.3.0'],
  fastmcp: ['fastmcp==4.1.4', 'fastmcp-tasks==4.1.4'],
};

export const CLIENTS: readonly ClientKind[] = [
  { name: '@modelcontextprotocol/sdk 1.32', revision: '2025-11-25', connect: connectV1 },
  {
    name: '@modelcontextprotocol/client 2.4',
    revision: '2025-11-25',
    connect: (...to) => connectV2('legacy', ...to),
  },
  {
    name: '@modelcontextprotocol/client 2.4, negotiating',
    revision: '2026-07-28',
    connect: (...to) => connectV2('auto', ...to),
  },
  {
    name: 'PyPI mcp 1.30',
    revision: '2025-11-25',
    connect: (...to) => connectPython('mcp 1.30', OPEN_V1, ...to),
  },
  {
    name: 'PyPI mcp 2.3',
    revision: '2026-07-28',
    connect: (...to) => connectPython('mcp 2.3', OPEN_V2, ...to),
  },
  {
    name: 'fastmcp 4.1',
    revision: '2026-07-28',
    connect: (...to) => connectPython('fastmcp', OPEN_FASTMCP, ...to),
  },
];

/** The client of Python that takes a task for a result, and follows it (2026-07-28, extension tasks). */
export const CLIENT_WITH_TASKS: ClientKind = {
  name: 'fastmcp 4.1 with its extension for tasks',
  revision: '2026-07-28',
  connect: (...to) => connectPython('fastmcp', OPEN_FASTMCP_WITH_TASKS, ...to),
};

type Content = readonly { readonly type: string; readonly text?: string }[];

function resultOf(result: Record<string, unknown>): ToolResult {
  const { isError = false, content = [], structuredContent = null, _meta: meta = null } = result;
  const text = (content as Content).map((part) => part.text ?? part.type).join('\n');
  return {
    isError: isError as boolean,
    text,
    structured: structuredContent,
    meta: meta as ToolResult['meta'],
  };
}

async function connectV1(url: string, token: string): Promise<McpClient> {
  const client = new ClientV1({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new TransportV1(new URL(url), { requestInit }));
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => resultOf(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  };
}

async function connectV2(mode: 'legacy' | 'auto', url: string, token: string): Promise<McpClient> {
  const client = new ClientV2({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new TransportV2(new URL(url), { requestInit }));
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => resultOf(await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  };
}

/** Opens the client as `session`, in Python. */
const OPEN_V1 = `
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
@contextlib.asynccontextmanager
async def connect():
    async with streamablehttp_client(URL, headers={"Authorization": "Bearer " + TOKEN}) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            yield session
async def call(session, name, arguments):
    return (await session.call_tool(name, arguments)).model_dump(by_alias=True, mode="json")
async def tools(session):
    return [tool.name for tool in (await session.list_tools()).tools]
`;

const OPEN_V2 = `
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
@contextlib.asynccontextmanager
async def connect():
    async with httpx2.AsyncClient(headers={"Authorization": "Bearer " + TOKEN}, timeout=300) as http:
        async with Client(streamable_http_client(URL, http_client=http)) as session:
            yield session
async def call(session, name, arguments):
    return (await session.call_tool(name, arguments)).model_dump(by_alias=True, mode="json")
async def tools(session):
    return [tool.name for tool in (await session.list_tools()).tools]
`;

const OPEN_FASTMCP = `
from fastmcp import Client
def connect():
    return Client(URL, auth=TOKEN)
async def call(session, name, arguments):
    return (await session.call_tool_mcp(name, arguments)).model_dump(by_alias=True, mode="json")
async def tools(session):
    return [tool.name for tool in await session.list_tools()]
`;

const OPEN_FASTMCP_WITH_TASKS = `${OPEN_FASTMCP}
from fastmcp_tasks.client import TasksClientExtension
def connect():
    return Client(URL, auth=TOKEN, extensions=[TasksClientExtension()])
`;

/** Keeps the client open in a task of its own, as its cancel scopes demand, and gives it one piece of work at a time. */
const LOOP = `
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
def later(work):
    return asyncio.run_coroutine_threadsafe(work, loop)
async def start():
    return asyncio.Queue()
queue = later(start()).result()
async def main(opened):
    try:
        async with connect() as session:
            opened.set_result(None)
            while (item := await queue.get()) is not None:
                work, done = item
                try:
                    done.set_result(await work(session))
                except Exception as error:
                    done.set_exception(error)
    except BaseException as error:
        if not opened.done():
            opened.set_exception(error)
        raise
def run(work):
    done = concurrent.futures.Future()
    loop.call_soon_threadsafe(queue.put_nowait, (work, done))
    while True:
        try:
            return done.result(timeout=1)
        except TimeoutError:
            if session.done():
                session.result()
                raise RuntimeError("the session ended")
opened = concurrent.futures.Future()
session = later(main(opened))
opened.result()
`;

async function connectPython(
  environment: keyof typeof PYTHON,
  open: string,
  url: string,
  token: string,
): Promise<McpClient> {
  const python = await pythonWith(PYTHON[environment]);
  const session = startPython(python, { PATH: process.env['PATH'] ?? '', NO_PROXY: '127.0.0.1' });
  await session.run(`
import asyncio, concurrent.futures, contextlib, json, threading
URL, TOKEN = ${JSON.stringify(url)}, ${JSON.stringify(token)}
${open}
${LOOP}`);
  return {
    tools: async () => (await session.run('run(tools)')) as string[],
    call: async (name, args) => {
      const text = JSON.stringify(JSON.stringify(args));
      const program = `run(lambda session: call(session, ${JSON.stringify(name)}, json.loads(${text})))`;
      return resultOf((await session.run(program)) as Record<string, unknown>);
    },
    async close() {
      await session.run('loop.call_soon_threadsafe(queue.put_nowait, None)\nsession.result()').catch(() => {});
      await session.close();
    },
  };
}
