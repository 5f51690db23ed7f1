import { hashToken } from '../../../gateway/identify/token.ts';
import { writeFiles } from '../../helpers/folder.ts';
import { createPlace, REVIEWER_TOKEN, TOKEN, type Place, type RunningGateway } from '../../helpers/gateway.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';
import { executeTool, REGO } from './messages.ts';

export const OTHER_TOKEN = 'hp_another-agent-of-the-tests';
export const SECOND_REVIEWER = 'hp_second-reviewer-of-the-tests';

/** A gateway with two workers before a server of MCP. */
export type Scene = {
  readonly place: Place;
  readonly upstream: Upstream;
  readonly gateway: RunningGateway;
  /** The calls with this text that the server got. */
  sentWith(text: string): readonly Received[];
  /** kill -9 of all processes, and a new start on the same data. */
  killAndStart(): Promise<void>;
  close(): Promise<void>;
};

/** @param respond what the server does with a request; by default, it executes its tools */
export async function openScene(respond: typeof executeTool = executeTool, system: object = {}): Promise<Scene> {
  const policies = writeFiles({ 'ledger.rego': REGO });
  const upstream = await startUpstream(respond);
  const agent = (id: string, token: string) => ({
    id,
    owner: 'ana@example.com',
    token_sha256: hashToken(token),
    systems: ['ledger'],
  });
  const person = (id: string, token: string) => ({
    id,
    token_sha256: hashToken(token),
    groups: ['finance'],
    roles: ['reviewer', 'operator'],
  });
  const place = await createPlace(upstream.url, {
    policies: policies.path,
    systems: { ledger: { upstream: upstream.url, mcp: '/mcp', ...system } },
    agents: [agent('refund-bot', TOKEN), agent('other-bot', OTHER_TOKEN)],
    reviewers: [person('ben@example.com', REVIEWER_TOKEN), person('eve@example.com', SECOND_REVIEWER)],
  });
  let gateway = await place.start();
  return {
    place,
    upstream,
    get gateway() {
      return gateway;
    },
    sentWith: (text) => upstream.received.filter(({ body }) => body.includes(text)),
    async killAndStart() {
      await gateway.killTree();
      gateway = await place.start();
    },
    async close() {
      await place.remove();
      await upstream.close();
      policies.remove();
    },
  };
}
