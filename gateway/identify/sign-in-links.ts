import { hkdfSync, randomBytes } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import { SIGN_IN_LINK_LIFE, type SignInLinks } from '../domain/session.ts';
import { isInForce } from '../domain/time.ts';
import { createSealing } from '../secrets/sealing.ts';

const PREFIX = 'hp_link_';
const LABEL = ['sign-in link'];
/** Longest secret that is opened, in characters: a stranger must not make the gateway decrypt much. */
const LONGEST = 1024;

/**
 * Sealed under a key of their own, derived from the key of the hold store (RFC 5869). So a command on the machine of the
 * gateway makes one without a connection to gateway or database, and gateways that share a store redeem each other's.
 */
export function createSignInLinks(storeKey: Buffer, clock: Clock): SignInLinks {
  const sealing = createSealing(Buffer.from(hkdfSync('sha256', storeKey, '', 'holdpoint sign-in links', 32)));
  return {
    issue(reviewer) {
      const content = JSON.stringify([randomBytes(16).toString('hex'), reviewer, clock()]);
      return PREFIX + sealing.seal(Buffer.from(content), LABEL).toString('base64url');
    },
    open(secret) {
      if (!secret.startsWith(PREFIX) || secret.length > LONGEST) return null;
      let content: string;
      try {
        content = sealing.open(Buffer.from(secret.slice(PREFIX.length), 'base64url'), LABEL).toString('utf8');
      } catch {
        return null;
      }
      // The id is inside: the same bytes can be written in several ways in base64, and would be used as often.
      const [id, reviewer, since] = JSON.parse(content) as [id: string, reviewer: string, since: number];
      return isInForce(since, since + SIGN_IN_LINK_LIFE, clock()) ? { id, reviewer } : null;
    },
  };
}
