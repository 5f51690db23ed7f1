import type { Received } from '../../helpers/upstream.ts';
import type { Sent } from '../../helpers/gateway.ts';
import type { ServerResponse } from 'node:http';

const REVISION = '2026-07-28';

export const META = {
  'io.modelcontextprotocol/protocolVersion': REVISION,
  'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
export const WITH_TASKS = {
  ...META,
  'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};

/** A request of revision 2026-07-28, with the headers that repeat it. */
export function modern(
  method: string,
  params: { readonly name?: string; readonly taskId?: string; readonly [param: string]: unknown },
  meta: object = WITH_TASKS,
  id: number | string = 1,
): Sent & { readonly headers: Readonly<Record<string, string>>; readonly body: string } {
  const name = params.name ?? params.taskId;
  return {
    method: 'POST',
    path: '/ledger/mcp',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': REVISION,
      'mcp-method': method,
      ...(name !== undefined && { 'mcp-name': name }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }),
  };
}

/** Holds what a tool named `refund` does from an amount of 100, and allows all else. */
export const REGO = `package rules.ledger

allow contains {"rule": "all"}

hold contains {"rule": "large", "reviewers": ["finance"], "editable": ["/amount"], "open": ["/note"], "reversible": true} if {
	input.action.tool == "refund"
	input.action.arguments.amount > 100
}

hold contains {"rule": "export", "reviewers": ["finance"]} if input.action.tool == "export"
`;

/** Answers calls of tools as a server of MCP does that has no sessions: what it was asked for is its result. */
export function executeTool({ body }: Received, response: ServerResponse): void {
  const { id, method, params } = JSON.parse(body.toString()) as {
    readonly id?: number | string;
    readonly method: string;
    readonly params: { readonly name: string; readonly arguments: object };
  };
  if (id === undefined) {
    response.writeHead(202).end();
    return;
  }
  if (method === 'server/discover') {
    const discovered = { supportedVersions: [REVISION], capabilities: { tools: {} }, ttlMs: 0, cacheScope: 'private' };
    const result = { resultType: 'complete', ...discovered };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    return;
  }
  if (method === 'tools/list') {
    const tools = [{ name: 'refund', inputSchema: { type: 'object' } }];
    const result = { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    return;
  }
  const text = `${method} ${params?.name} ${JSON.stringify(params?.arguments)}`;
  const result = { resultType: 'complete', content: [{ type: 'text', text }] };
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
}
