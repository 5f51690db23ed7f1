import { PASS_PREFIX, sessionPurpose, type OpenPass, type Passes } from '../domain/pass.ts';

/** The header that carries the id of a session, in lower case. */
export const SESSION_HEADER = 'mcp-session-id';

/** Milliseconds for which a client may use a session; after that it begins another. Servers end theirs long before. */
const LONGEST = 30 * 24 * 60 * 60 * 1000;

/**
 * The id of a server's session as its client gets it: the server's id and a pass, which binds it to the agent that opened
 * the session. So every worker knows the owner, and a restart forgets none.
 */
export function sealSession(passes: Pick<Passes, 'issue'>, agent: string, system: string, id: string): string {
  return `${id}.${passes.issue(agent, sessionPurpose(system, id), LONGEST)}`;
}

/** Sessions that are remembered: each request of one carries its id, and opening it is dear. */
const MAX_SESSIONS = 2000;

type OpenSession = OpenPass & { readonly id: string };

/** Opens the ids that `sealSession` sealed for one system. */
export type Sessions = {
  /**
   * The server's id of a session; null if this agent did not open it.
   * @param now milliseconds since the epoch
   */
  open(agent: string, sealed: string, now: number): string | null;
};

export function createSessions(passes: Pick<Passes, 'open'>, system: string): Sessions {
  const known = new Map<string, OpenSession>();

  function unseal(sealed: string): OpenSession | null {
    const end = sealed.lastIndexOf(`.${PASS_PREFIX}`);
    if (end < 1) return null;
    const id = sealed.slice(0, end);
    const pass = passes.open(sealed.slice(end + 1), sessionPurpose(system, id));
    if (typeof pass === 'string') return null;
    const session = { id, ...pass };
    if (known.size >= MAX_SESSIONS) known.clear();
    known.set(sealed, session);
    return session;
  }

  return {
    open(agent, sealed, now) {
      const session = known.get(sealed) ?? unseal(sealed);
      return session && session.agent === agent && now < session.until ? session.id : null;
    },
  };
}
