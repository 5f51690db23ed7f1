import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

export type WarehouseServer = {
  /** The calls of tools that it executed, as `name arguments`, oldest first. */
  executed(): readonly string[];
  close(): Promise<void>;
};

type Arguments = { readonly item?: string; readonly quantity?: number };

type Message = {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly name?: string; readonly arguments?: Arguments; readonly protocolVersion?: string };
};

type Tool = {
  readonly description: string;
  readonly properties: Readonly<Record<string, object>>;
  readonly run: (args: Arguments) => string;
};

const ITEM = { item: { type: 'string', description: 'Name of the item.' } };

const TOOLS: Readonly<Record<string, Tool>> = {
  read_stock: {
    description: 'Tells how many of an item are in stock.',
    properties: ITEM,
    run: ({ item }) => `There are 120 ${item} in stock.`,
  },
  order: {
    description: 'Orders a quantity of an item from the supplier.',
    properties: { ...ITEM, quantity: { type: 'integer', minimum: 1 } },
    run: ({ item, quantity }) => `Ordered ${quantity} ${item}. They arrive on Monday.`,
  },
  write_off: {
    description: 'Removes all of an item from the books.',
    properties: ITEM,
    run: ({ item }) => `Wrote off all ${item}.`,
  },
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

async function read(request: IncomingMessage): Promise<Message> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as Message;
}

/**
 * An example MCP server (revision 2025-11-25, Streamable HTTP, without sessions or streams) at `/mcp`, in memory. It
 * accepts only `key` as bearer credential, which agents never see.
 *
 * @throws the operating system's error when the port is taken
 */
export async function startWarehouseServer(options: { port: number; key: string }): Promise<WarehouseServer> {
  const expected = digest(`Bearer ${options.key}`);
  const executed: string[] = [];

  function resultOf({ method, params = {} }: Message): object | null {
    const { name = '', arguments: args = {} } = params;
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: 'warehouse', version: '1.0.0' },
        };
      case 'ping':
        return {};
      case 'tools/list':
        return {
          tools: Object.entries(TOOLS).map(([tool, { description, properties }]) => ({
            name: tool,
            description,
            inputSchema: { type: 'object', properties, required: Object.keys(properties) },
          })),
        };
      case 'tools/call': {
        const tool = Object.hasOwn(TOOLS, name) ? TOOLS[name]! : null;
        if (!tool) return { content: [{ type: 'text', text: `There is no tool ${name}.` }], isError: true };
        executed.push(`${name} ${JSON.stringify(args)}`);
        return { content: [{ type: 'text', text: tool.run(args) }] };
      }
      default:
        return null;
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) response.writeHead(401).end();
    else if (request.url !== '/mcp') response.writeHead(404).end();
    // It has no messages of its own to send.
    else if (request.method !== 'POST') response.writeHead(405, { allow: 'POST' }).end();
    else {
      const message = await read(request);
      if (message.id === undefined) {
        response.writeHead(202).end();
        return;
      }
      const result = resultOf(message);
      const outcome = result ? { result } : { error: { code: -32601, message: `There is no ${message.method}.` } };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...outcome }));
    }
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, '127.0.0.1', resolve);
  });
  return {
    executed: () => executed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
