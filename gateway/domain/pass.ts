/**
 * Passes stand in for an agent's token at one URL, for clients that follow a URL without one. A pass is sealed: it says
 * nothing to others, and opens only for the purpose for which it was issued. Nothing is stored.
 */
export type Passes = {
  /** @param lasts milliseconds */
  issue(agent: string, purpose: Purpose, lasts: number): string;
  /** Whose it is; `invalid` if it was changed, or issued for another purpose or under another key. */
  open(pass: string, purpose: Purpose): OpenPass | 'expired' | 'invalid';
};

export type OpenPass = {
  /** The id of the agent. */
  readonly agent: string;
  /** Milliseconds since the epoch at which it expires. */
  readonly until: number;
};

/** What a pass is for. Every part must be the same when it is opened. */
export type Purpose = readonly [kind: 'link' | 'hold' | 'round' | 'session' | 'task', ...parts: string[]];

/** What the pass of a hold is for: to read its state and its response. */
export function holdPurpose(holdId: string): Purpose {
  return ['hold', holdId];
}

/** What the pass of a session of MCP is for. @param id the server's */
export function sessionPurpose(system: string, id: string): Purpose {
  return ['session', system, id];
}

/** What the pass of a task of MCP is for. */
export function taskPurpose(system: string, id: string): Purpose {
  return ['task', system, id];
}

/** How every pass begins. Masking knows it as a token of ours. */
export const PASS_PREFIX = 'hp_pass_';
