import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/client';

/** What a model gets for a call of a tool. */
export type ToolOutcome = {
  readonly isError: boolean;
  readonly text: string;
  readonly milliseconds: number;
};

export type StockBot = {
  /** The names of the tools that its model may choose from. */
  tools(): Promise<readonly string[]>;
  call(tool: string, args: Readonly<Record<string, unknown>>): Promise<ToolOutcome>;
  close(): Promise<void>;
};

function textOf({ content }: Pick<CallToolResult, 'content'>): string {
  return content.map((part) => (part.type === 'text' ? part.text : part.type)).join('\n');
}

/** The scripted agent: the official client of MCP with another URL and another token, and nothing else. */
export async function createStockBot(url: URL, token: string): Promise<StockBot> {
  const client = new Client({ name: 'stock-bot', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    async call(name, args) {
      const begun = performance.now();
      const result = await client.callTool({ name, arguments: args });
      const milliseconds = performance.now() - begun;
      return { isError: result.isError ?? false, text: textOf(result), milliseconds };
    },
    close: () => client.close(),
  };
}
