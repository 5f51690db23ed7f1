import { orders, toolCall } from '../orders.ts';
import { PLAIN_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { serverSentEvents } from './server-sent-events.ts';

/** Tool calls that tell how far they are. Holdpoint reads each event, since one may ask something of the client. */
export const progress = {
  ...serverSentEvents,
  name: 'MCP progress, 64 tool calls with 50 events a second',
  system: 'warehouse',
  request: {
    method: 'POST',
    path: '/mcp?rate=50',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body: toolCall(orders(1)[0]!, 1, { progressToken: 1 }),
  },
  peers: PLAIN_PEERS,
} as const satisfies Scenario;
