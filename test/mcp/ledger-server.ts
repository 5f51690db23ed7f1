import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { TestServer } from './legacy-server.ts';

/**
 * An MCP server of revision 2026-07-28, without sessions, that also serves clients of 2025, as the official SDK makes it.
 * Its tools are those of the legacy server.
 */
export async function startDualEraServer(): Promise<TestServer> {
  const executed: string[] = [];
  const requests: TestServer['requests'] = [];
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'ledger', version: '1.0.0' });
    server.registerTool(
      'refund',
      {
        description: 'Refunds an amount.',
        inputSchema: z.object({ amount: z.number(), note: z.string().optional() }),
        outputSchema: z.object({ refunded: z.number() }),
      },
      ({ amount, note }) => {
        executed.push(`refund ${JSON.stringify({ amount, note })}`);
        return { content: [{ type: 'text', text: `refunded ${amount}` }], structuredContent: { refunded: amount } };
      },
    );
    server.registerTool('export', { inputSchema: z.object({ bytes: z.number() }) }, ({ bytes }) => {
      executed.push(`export ${bytes}`);
      return { content: [{ type: 'text', text: 'x'.repeat(bytes) }] };
    });
    server.registerTool('drop_tables', { description: 'Deletes everything.' }, () => {
      executed.push('drop_tables');
      return { content: [{ type: 'text', text: 'dropped' }] };
    });
    return server;
  });
  const http = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, headers });
    void (async () => {
      const answer = await handler.fetch(
        new Request(`http://${headers.host}${url}`, {
          method,
          headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
          ...(method === 'POST' && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
        }),
      );
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body) Readable.fromWeb(answer.body).pipe(response);
      else response.end();
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    executed,
    requests,
    async close() {
      await handler.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
