import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

export type TestServer = {
  readonly url: string;
  /** The calls of tools that were executed, as `name arguments`. */
  readonly executed: string[];
  /** The heads of all requests that came. */
  readonly requests: { readonly method: string; readonly headers: IncomingMessage['headers'] }[];
  close(): Promise<void>;
};

/** An MCP server of revisions 2025-06-18 and 2025-11-25, with sessions, as the official SDK makes it. */
export async function startLegacyServer(options: { readonly json?: boolean } = {}): Promise<TestServer> {
  const executed: string[] = [];
  const requests: TestServer['requests'] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();

  function createTools(): McpServer {
    const server = new McpServer({ name: 'ledger', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool(
      'refund',
      {
        description: 'Refunds an amount.',
        inputSchema: { amount: z.number(), note: z.string().optional() },
        outputSchema: { refunded: z.number() },
      },
      ({ amount, note }) => {
        executed.push(`refund ${JSON.stringify({ amount, note })}`);
        return { content: [{ type: 'text', text: `refunded ${amount}` }], structuredContent: { refunded: amount } };
      },
    );
    server.registerTool('export', { inputSchema: { bytes: z.number() } }, ({ bytes }) => {
      executed.push(`export ${bytes}`);
      return { content: [{ type: 'text', text: 'x'.repeat(bytes) }] };
    });
    server.registerTool('drop_tables', { description: 'Deletes everything.' }, () => {
      executed.push('drop_tables');
      return { content: [{ type: 'text', text: 'dropped' }] };
    });
    return server;
  }

  const http = createServer((request, response) => {
    requests.push({ method: request.method ?? '', headers: request.headers });
    void (async () => {
      const known = sessions.get(String(request.headers['mcp-session-id']));
      if (known) return known.handleRequest(request, response);
      if (request.headers['mcp-session-id'] !== undefined) return response.writeHead(404).end();
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        enableJsonResponse: options.json ?? false,
        onsessioninitialized: (id) => void sessions.set(id, transport),
        onsessionclosed: (id) => void sessions.delete(id),
      });
      await createTools().connect(transport);
      return transport.handleRequest(request, response);
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    executed,
    requests,
    async close() {
      for (const transport of sessions.values()) await transport.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
