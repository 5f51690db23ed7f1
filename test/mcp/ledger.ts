import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { TOKEN } from '../helpers/data-plane.ts';

/** Rules for a server whose tools are `refund` and `drop_tables`. */
export const ledgerRules = (system: string): string => `package rules.${system}

allow contains {"rule": "small"} if {
	input.action.tool == "refund"
	input.action.arguments.amount <= 100
}

hold contains {"rule": "large", "reason": "Refunds over 100 need a person."} if {
	input.action.tool == "refund"
	input.action.arguments.amount > 100
}

block contains {"rule": "no-drops", "reason": "Nothing is dropped here."} if input.action.tool == "drop_tables"
`;

/** The official client of TypeScript, version 1, at a system of a gateway. */
export async function connectClient(url: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  return client;
}

/** Both ways in which a server may answer a request. */
export const ANSWERS = [
  { answers: 'a stream', json: false },
  { answers: 'JSON', json: true },
];
