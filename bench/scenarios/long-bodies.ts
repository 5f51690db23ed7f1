import { PLAIN_PEERS } from '../peer-names.ts';
import type { Scenario } from '../plan.ts';
import { longRefunds } from '../refunds.ts';
import { postJson } from './post-json.ts';

function post(name: string, bodies: readonly string[]): Scenario {
  return { ...postJson, name, peers: PLAIN_PEERS, request: { ...postJson.request, body: bodies[0]!, bodies } };
}

/** The policy input grows with the body, and so does the work of judging it. */
export const post10KB = post('10 KB JSON POST, 64 connections', longRefunds(16, 10_000));
export const post100KB = post('100 KB JSON POST, 64 connections', longRefunds(8, 100_000));

/** Few and many callers with longer calls, as agentgateway's own benchmark has them. */
export const post16KB: readonly Scenario[] = [32, 512].map((connections) => ({
  ...post(`16 KB JSON POST, ${connections} connections`, longRefunds(16, 16_000)),
  kind: 'closed',
  connections,
}));
