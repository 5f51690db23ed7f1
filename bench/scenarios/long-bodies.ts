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
