import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Principal, Reviewer } from '../domain/principal.ts';

/** Lowercase hex SHA-256 of a token. While a token is replaced, the new one and the old one are valid. */
export type TokenHash = string | readonly string[];

/** An agent as configured, which knows only the hash of its token. */
export type Agent = {
  readonly id: string;
  readonly owner: string;
  readonly token_sha256: TokenHash;
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
function createDirectory<T>(entries: readonly (readonly [TokenHash, bearer: T])[]): (token: string) => T | null {
  const known = new Map(
    entries.flatMap(([hashes, bearer]) =>
      [hashes].flat().map((sha256) => [sha256, { digest: Buffer.from(sha256, 'hex'), bearer }] as const),
    ),
  );
  return (token) => {
    const digest = hash('sha256', token, 'buffer');
    const found = known.get(digest.toString('hex'));
    return found && timingSafeEqual(found.digest, digest) ? found.bearer : null;
  };
}

/** Finds the agent of a token. */
export type AgentDirectory = (token: string) => Principal | null;

/** Remembers tokens that were found, of which there are few, so that they are not hashed again at every call. */
export function createAgentDirectory(agents: readonly Agent[]): AgentDirectory {
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
  reviewers: readonly (Reviewer & { readonly token_sha256: TokenHash })[],
): (token: string) => Reviewer | null {
  return createDirectory(reviewers.map(({ token_sha256, id, groups, roles }) => [token_sha256, { id, groups, roles }]));
}

/** The hashes of a reviewer's tokens, newest first; none for anybody else. */
export function tokenHashesOf(
  reviewers: readonly (Pick<Reviewer, 'id'> & { readonly token_sha256: TokenHash })[],
  reviewer: string,
): readonly string[] {
  return [reviewers.find(({ id }) => id === reviewer)?.token_sha256 ?? []].flat();
}

/** Most parameters of a credential that are tried: an unknown caller must not make the gateway hash many values. */
const MAX_PARAMETERS = 10;
const CREDENTIALS = /^([!#$%&'*+\-.^`|~\w]+) +(\S.*)$/;
const PARAMETER = /(?:^|[\s,;])([\w-]+)=(?:"([^"\\]*)"|([^\s,;"]+))/g;

/**
 * The agent of a call, by the token in the header that the system's SDK uses for its key, else in `Authorization`. Null
 * when there is no known token.
 */
export function findCaller(
  headers: IncomingHttpHeaders,
  keyHeader: string,
  findAgent: (token: string) => Principal | null,
): Principal | null {
  const key = headers[keyHeader];
  const value = typeof key === 'string' && key !== '' ? key : headers.authorization;
  if (value === undefined) return null;
  const bearer = value.startsWith('Bearer ') ? findAgent(value.slice(7)) : null;
  if (bearer) return bearer;
  for (const token of tokensIn(value)) {
    const found = findAgent(token);
    if (found) return found;
  }
  return null;
}

/**
 * What may be the token in a header: its value, alone or after any scheme (`Bearer`, `ApiKey`, `Bot`, …); a parameter of
 * the scheme (`Token token=…`, `OAuth oauth_token="…"`, the access key of AWS); and both halves of `Basic`.
 */
function tokensIn(value: string): string[] {
  const [, scheme, rest] = CREDENTIALS.exec(value) ?? [];
  if (scheme === undefined || rest === undefined) return [value];
  if (scheme.toLowerCase() === 'basic') {
    const [user = '', password = ''] = Buffer.from(rest, 'base64').toString('utf8').split(/:(.*)/s, 2);
    return [password, user].filter((half) => half !== '');
  }
  const parameters = rest
    .matchAll(PARAMETER)
    .take(MAX_PARAMETERS)
    // AWS signatures (Signature Version 4) put date, region and service behind the access key.
    .map(([, name, quoted, bare = '']) => quoted ?? (name === 'Credential' ? bare.split('/', 1)[0]! : bare));
  return [rest, ...parameters];
}
