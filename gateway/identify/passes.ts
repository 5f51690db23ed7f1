import { hkdfSync } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import { PASS_PREFIX, type Passes, type Purpose } from '../domain/pass.ts';
import { createSealing } from '../secrets/sealing.ts';
import type { Principal } from '../domain/principal.ts';
import { Problem } from '../domain/problem.ts';
import type { Agent } from './token.ts';

/** Longest pass that is opened, in characters: an unknown caller must not make the gateway decrypt much. */
const LONGEST = 1024;

/**
 * Sealed under a key of their own, derived from the key of the hold store (RFC 5869): gateways that share a store open each
 * other's passes, and a restart ends none.
 */
export function createPasses(storeKey: Buffer, clock: Clock): Passes {
  const sealing = createSealing(Buffer.from(hkdfSync('sha256', storeKey, '', 'holdpoint passes', 32)));
  return {
    issue(agent, purpose, lasts) {
      const content = Buffer.from(JSON.stringify([agent, clock() + lasts]));
      return PASS_PREFIX + sealing.seal(content, purpose).toString('base64url');
    },
    open(pass, purpose) {
      if (pass.length > LONGEST) return 'invalid';
      let content: string;
      try {
        content = sealing.open(Buffer.from(pass.slice(PASS_PREFIX.length), 'base64url'), purpose).toString('utf8');
      } catch {
        return 'invalid';
      }
      const [agent, until] = JSON.parse(content) as [agent: string, until: number];
      return clock() < until ? { agent, until } : 'expired';
    },
  };
}

/** Finds the agent of a pass, as configured now. @throws Problem `unauthenticated` that says what is wrong with the pass */
export type ReadPass = (pass: string, purpose: Purpose | null) => Principal;

export function createReadPass(passes: Pick<Passes, 'open'>, agents: readonly Agent[]): ReadPass {
  const holders = new Map<string, Principal>(
    agents.map(({ id, owner, roles }) => [
      id,
      { agent: id, owner, roles, onBehalfOf: [], authority: 'link-pass' } as const,
    ]),
  );
  return (pass, purpose) => {
    const opened = purpose === null ? 'invalid' : passes.open(pass, purpose);
    if (opened === 'expired') throw new Problem('unauthenticated', { detail: EXPIRED });
    const holder = opened === 'invalid' ? undefined : holders.get(opened.agent);
    if (!holder) throw invalidPass();
    return holder;
  };
}

export function invalidPass(): Problem {
  return new Problem('unauthenticated', { detail: INVALID });
}

const EXPIRED =
  'The pass in this URL has expired. Get a new link from the system, or send the agent token with the request.';
const INVALID =
  'The pass in this URL is not valid here: it was changed, belongs to another URL, or its agent is gone. Follow the link exactly as it was given, or send the agent token with the request.';
