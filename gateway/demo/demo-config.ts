import { createHash, randomBytes } from 'node:crypto';
import type { DemoPorts } from './demo-ports.ts';

/** New in every demo: they are printed, so they must open nothing else. */
export type DemoTokens = {
  readonly agent: string;
  readonly stockBot: string;
  readonly owner: string;
  readonly reviewer: string;
  readonly secondReviewer: string;
  /** The systems' own keys, known to the gateway and never to the agents. */
  readonly paymentsKey: string;
  readonly warehouseKey: string;
};

const token = (prefix: string): string => `${prefix}_${randomBytes(24).toString('base64url')}`;

export function createTokens(): DemoTokens {
  return {
    agent: token('agent'),
    stockBot: token('agent'),
    owner: token('ana'),
    reviewer: token('ben'),
    secondReviewer: token('cleo'),
    paymentsKey: token('sk_demo'),
    warehouseKey: token('wh_demo'),
  };
}

const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

/** The text of the demo's `holdpoint.yaml`, commented for its reader. */
export function demoConfig(ports: DemoPorts, tokens: DemoTokens): string {
  return `# The demo's configuration. Paths are relative to this file.
listen:
  agents: 127.0.0.1:${ports.agents}
  admin: 127.0.0.1:${ports.admin}
data: ./data
policies: ./policies # edit and save: the gateway checks the change and swaps it in
workers: 1

systems:
  payments:
    upstream: http://127.0.0.1:${ports.api}
    # The stripe SDK knows a host and a port but no base path, so the system has an address of its own.
    listen: 127.0.0.1:${ports.payments}
    # What the payments API asks for. Agents never see it. Elsewhere, write "Bearer \${PAYMENTS_KEY}".
    credential: { header: authorization, value: "Bearer ${tokens.paymentsKey}" }
    wait: 50s
  warehouse:
    upstream: http://127.0.0.1:${ports.warehouse}
    mcp: /mcp # the path at which it speaks MCP: policy judges tools by name and arguments
    credential: { header: authorization, value: "Bearer ${tokens.warehouseKey}" }
    wait: 50s

agents:
  - id: billing-bot
    owner: ana@example.com
    token_sha256: ${sha256(tokens.agent)}
    roles: [payer]
    systems: [payments]
  - id: stock-bot
    owner: ana@example.com
    token_sha256: ${sha256(tokens.stockBot)}
    systems: [warehouse]

reviewers:
  # Ana owns both agents, so she may not approve what they do.
  - id: ana@example.com
    token_sha256: ${sha256(tokens.owner)}
    groups: [finance]
    roles: [reviewer]
  - id: ben@example.com
    token_sha256: ${sha256(tokens.reviewer)}
    groups: [finance]
    roles: [reviewer, operator, analyst]
  # Who edits a call may not be the only one to approve it, so there is somebody else.
  - id: cleo@example.com
    token_sha256: ${sha256(tokens.secondReviewer)}
    groups: [finance, finance-leads]
    roles: [reviewer]
`;
}
