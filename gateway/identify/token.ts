import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Principal, Reviewer } from '../domain/principal.ts';

/** An agent as configured, which knows only the hash of its token. */
export type Agent = {
  readonly id: string;
  readonly owner: string;
  readonly token_sha256: string;
  readonly roles: readonly string[];
  readonly systems: readonly string[];
};

/** Lowercase hex SHA-256 of a token, as in the configuration. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/**
 * Finds agents by the hash of their token. A caller cannot choose that hash bit by bit, so the time of the lookup
 * reveals nothing about a token (timing attack); the final comparison is constant-time all the same.
 */
function createDirectory<T>(entries: readonly (readonly [sha256: string, bearer: T])[]): (token: string) => T | null {
  const known = new Map(entries.map(([sha256, bearer]) => [sha256, { digest: Buffer.from(sha256, 'hex'), bearer }]));
  return (token) => {
    const digest = hash('sha256', token, 'buffer');
    const found = known.get(digest.toString('hex'));
    return found && timingSafeEqual(found.digest, digest) ? found.bearer : null;
  };
}

/** Remembers tokens that were found, one for each agent, so that they are not hashed again at every call. */
export function createAgentDirectory(agents: readonly Agent[]): (token: string) => Principal | null {
  const find = createDirectory(
    agents.map(({ id, owner, token_sha256, roles }) => [token_sha256, { agent: id, owner, roles, onBehalfOf: [] }]),
  );
  const remembered = new Map<string, Principal>();
  return (token) => {
    const known = remembered.get(token);
    if (known) return known;
    const found = find(token);
    if (found) remembered.set(token, found);
    return found;
  };
}

export function createReviewerDirectory(
  reviewers: readonly (Reviewer & { readonly token_sha256: string })[],
): (token: string) => Reviewer | null {
  return createDirectory(reviewers.map(({ token_sha256, id, groups, roles }) => [token_sha256, { id, groups, roles }]));
}

/**
 * The token of a call: in the header that the system's SDK uses for its key, else in `Authorization`. Its scheme may be
 * Bearer, `token` (Octokit) or Basic (`curl -u` and some SDKs: the password, or the user name if there is no password).
 * Null when there is none.
 */
export function readToken(headers: IncomingHttpHeaders, keyHeader: string): string | null {
  const key = keyHeader === 'authorization' ? undefined : headers[keyHeader];
  if (typeof key === 'string' && key !== '') return key;
  const authorization = headers.authorization;
  if (authorization === undefined) return null;
  if (authorization.startsWith('Bearer ')) return authorization.slice(7);
  const match = /^(bearer|token|basic) +(\S+)$/i.exec(authorization);
  if (!match) return keyHeader === 'authorization' && /^\S+$/.test(authorization) ? authorization : null;
  if (match[1]!.toLowerCase() !== 'basic') return match[2]!;
  const [user = '', password = ''] = Buffer.from(match[2]!, 'base64').toString('utf8').split(/:(.*)/s, 2);
  return password || user || null;
}
