import { orders, toolCall } from '../orders.ts';
import { CLOSEST_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { refunds } from '../refunds.ts';
import { ALONE } from './latency.ts';
import { postJson } from './post-json.ts';

const BODIES = 2000;

/** What a client of revision 2026-07-28 says of itself with each request. */
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

const bodies = orders(BODIES).map((order, i) => toolCall(order, i, META));
const inSession = orders(BODIES).map((order, i) => toolCall(order, i));

/** A refund with a note that makes it as long as the tool call of the same number. */
const refundsOfThatLength = refunds(BODIES).map((refund, i) => {
  const withNote = (note: string) => JSON.stringify({ ...refund, metadata: { ...refund.metadata, note } });
  const missing = bodies[i]!.length - withNote('').length;
  return withNote('the parcel arrived late and was sent back '.repeat(8).slice(0, missing));
});

/** What tool calls are compared with: the same bytes in and out, without a protocol on top of HTTP. */
export const postAsLong = {
  ...postJson,
  name: 'JSON POST as long as a tool call, 64 connections',
  request: { ...postJson.request, body: refundsOfThatLength[0]!, bodies: refundsOfThatLength },
  peers: CLOSEST_PEERS,
} as const satisfies Scenario;

/** The call of an MCP client of 2026-07-28. The direct upstream is a server that answers each with the same result. */
export const callTool = {
  name: 'MCP tool call, 64 connections',
  kind: 'closed',
  connections: 64,
  system: 'warehouse',
  beside: postAsLong.name,
  request: {
    method: 'POST',
    path: '/mcp',
    headers: {
      ...HEADERS,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'order',
    },
    body: bodies[0]!,
    bodies,
  },
  peers: CLOSEST_PEERS,
} as const satisfies Scenario;

/** As most clients still call: in a session, which the gateway binds to the agent. */
export const callToolInSession = {
  ...callTool,
  name: 'MCP tool call in a session, 64 connections',
  inSession: true,
  request: {
    ...callTool.request,
    headers: { ...HEADERS, 'mcp-protocol-version': '2025-11-25' },
    body: inSession[0]!,
    bodies: inSession,
  },
} as const satisfies Scenario;

export const latencyPostAsLong = {
  name: 'JSON POST as long as a tool call at 1,000 calls/s',
  kind: 'open',
  rate: 1000,
  request: postAsLong.request,
  peers: CLOSEST_PEERS,
} as const satisfies Scenario;

/** The time that a peer adds to a tool call. The goal of the gateway: no more than to the POST. */
export const latencyCallTool = {
  name: 'MCP tool call at 1,000 calls/s',
  kind: 'open',
  rate: 1000,
  system: callTool.system,
  beside: latencyPostAsLong.name,
  request: callTool.request,
  peers: CLOSEST_PEERS,
} as const satisfies Scenario;

export const latencyPostAsLongAlone = {
  ...latencyPostAsLong,
  name: latencyPostAsLong.name + ALONE,
  alone: true,
} as const;

export const latencyCallToolAlone = {
  ...latencyCallTool,
  name: latencyCallTool.name + ALONE,
  beside: latencyPostAsLongAlone.name,
  alone: true,
} as const;
