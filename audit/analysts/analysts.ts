import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ServerException } from './exception.ts';

/** A person who may query. */
export type Analyst = {
  readonly id: string;
  /** Lowercase hex SHA-256 of the token, which is the password. There may be several while one replaces another. */
  readonly token_sha256: string | readonly string[];
};

const NO_TOKEN = '0'.repeat(64);

/**
 * Identifies the analyst by Basic credentials, by `X-ClickHouse-User` and `X-ClickHouse-Key`, or by `user` and `password`
 * in the URL.
 * @throws ServerException AUTHENTICATION_FAILED, the same for an unknown name and a wrong password
 */
export function identify(analysts: readonly Analyst[], headers: IncomingHttpHeaders, search: URLSearchParams): Analyst {
  const { user, password } = credentials(headers, search);
  const analyst = analysts.find(({ id }) => id === user);
  const given = createHash('sha256').update(password).digest();
  const hashes = [analyst?.token_sha256 ?? NO_TOKEN].flat();
  const isRight = hashes.map((hash) => timingSafeEqual(given, Buffer.from(hash, 'hex'))).includes(true);
  if (analyst && isRight) return analyst;
  throw failed(
    `${user}: Authentication failed: password is incorrect, or there is no user with such name. The user is the id of` +
      ` a reviewer with the role analyst, the password is the token.`,
  );
}

function credentials(headers: IncomingHttpHeaders, search: URLSearchParams): { user: string; password: string } {
  const { authorization } = headers;
  const user = String(headers['x-clickhouse-user'] ?? '');
  const key = String(headers['x-clickhouse-key'] ?? '');
  const ways = [user !== '' || key !== '', authorization !== undefined, search.has('user') || search.has('password')];
  if (ways.filter(Boolean).length > 1) {
    throw failed('Invalid authentication: it is not allowed to use several ways of authentication simultaneously');
  }
  if (ways[0]) return { user, password: key };
  if (authorization === undefined) {
    return { user: search.get('user') ?? 'default', password: search.get('password') ?? '' };
  }
  const [, encoded] = /^basic +(\S+)$/i.exec(authorization) ?? [];
  if (encoded === undefined)
    throw failed('Invalid authentication: only the HTTP Authorization scheme Basic is supported');
  const [id = '', ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
  return { user: id, password: rest.join(':') };
}

function failed(text: string): ServerException {
  return new ServerException(516, 'AUTHENTICATION_FAILED', text);
}
