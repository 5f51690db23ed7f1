import { PASS_PREFIX, sessionPurpose, type Passes } from '../domain/pass.ts';

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

/** The server's id of a session; null if this agent did not open it. */
export function openSession(
  passes: Pick<Passes, 'open'>,
  agent: string,
  system: string,
  sealed: string,
): string | null {
  const end = sealed.lastIndexOf(`.${PASS_PREFIX}`);
  if (end < 1) return null;
  const id = sealed.slice(0, end);
  const holder = passes.open(sealed.slice(end + 1), sessionPurpose(system, id));
  return typeof holder === 'object' && holder.agent === agent ? id : null;
}
