import { spawn, type ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { pythonWith } from '../helpers/python.ts';
import { CLIENTS, type McpClient } from './clients.ts';
import { spawnEverything } from './everything.ts';
import { freePort } from './free-port.ts';

const RULES = (system: string) => `package rules.${system}

allow contains {"rule": "echo"} if input.action.tool == "echo"

hold contains {"rule": "loud", "reason": "Shouting waits for a person."} if upper(input.action.arguments.message) == input.action.arguments.message

block contains {"rule": "secret", "reason": "Not this word."} if contains(input.action.arguments.message, "secret")
`;

const ECHO = `
def echo(message: str) -> str:
    """Echoes."""
    return "Echo: " + message
`;

/** Servers as their makers ship them. Each gets its port from the environment, and serves \`/mcp\`. */
const SERVERS: readonly { readonly name: string; start(port: number): Promise<ChildProcess> }[] = [
  {
    name: '@modelcontextprotocol/server-everything',
    start: async (port) => spawnEverything(port),
  },
  {
    name: 'PyPI mcp 1.30',
    async start(port) {
      const program = `
from mcp.server.fastmcp import FastMCP
server = FastMCP("echo", host="127.0.0.1", port=${port})
${ECHO}
server.tool()(echo)
server.run("streamable-http")`;
      return spawn(await pythonWith(['mcp==1.30.0']), ['-c', program], { stdio: 'ignore' });
    },
  },
  {
    name: 'PyPI mcp 2.3',
    async start(port) {
      const program = `
from mcp.server import MCPServer
server = MCPServer("echo")
${ECHO}
server.tool()(echo)
server.run("streamable-http", host="127.0.0.1", port=${port})`;
      return spawn(await pythonWith(['mcp==2.3.0']), ['-c', program], { stdio: 'ignore' });
    },
  },
];

describe.each(SERVERS)('with $name as server', ({ start }) => {
  let child: ChildProcess;
  let plane: DataPlane;

  beforeAll(async () => {
    const port = await freePort();
    child = await start(port);
    const upstream = `http://127.0.0.1:${port}`;
    await vi.waitFor(() => fetch(`${upstream}/mcp`), { timeout: 60_000 });
    plane = await startDataPlane({
      systems: { echo: { upstream, mcp: '/mcp', wait: '20s' } },
      rego: { 'echo.rego': RULES('echo') },
    });
  }, 300_000);
  afterAll(async () => {
    await plane?.close();
    child?.kill();
  });

  test.each(CLIENTS)(
    '$name gets what is allowed, what is approved, and why the rest is blocked',
    { timeout: 300_000 },
    async ({ connect, name }) => {
      const client: McpClient = await connect(`${plane.url}/echo/mcp`, TOKEN);
      try {
        expect(await client.tools()).toContain('echo');
        expect(await client.call('echo', { message: 'hello' })).toMatchObject({ isError: false, text: 'Echo: hello' });

        const blocked = await client.call('echo', { message: 'a secret' });
        expect(blocked).toMatchObject({ isError: true, text: expect.stringContaining('Not this word.') });

        const message = name.toUpperCase();
        const waiting = client.call('echo', { message });
        const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
        await expect.poll(pending).toBeDefined();
        await approve(plane.store, (await pending())!.id);
        expect(await waiting).toMatchObject({ isError: false, text: `Echo: ${message}` });
      } finally {
        await client.close();
      }
    },
  );
});
