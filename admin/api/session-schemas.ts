import { z } from 'zod';
import { iso } from '../../gateway/domain/time.ts';
import type { Session } from '../../gateway/domain/session.ts';
import { time } from './schemas.ts';
import type { Caller } from '../authenticate.ts';

export const signedIn = z.object({
  id: z.string(),
  name: z.string(),
  groups: z.array(z.string()),
  roles: z.array(z.string()),
  stands_in_for: z.array(z.string()).describe('The people whom this one deputises for now.'),
  expires_at: time.nullable().describe('When the session ends. Null with a bearer token.'),
});

export const sessionItem = z.object({
  session_id: z.string(),
  reviewer: z.string(),
  created_at: time,
  last_seen_at: time.describe('To the minute.'),
  expires_at: time,
  user_agent: z.string().describe('Untrusted: what the browser said of itself.'),
  address: z.string(),
  current: z.boolean().describe('Whether this request is part of it.'),
});

/** The answer of `GET /api/session`. */
export type SignedIn = z.output<typeof signedIn>;

/** An item of `GET /api/sessions`. */
export type SessionItem = z.output<typeof sessionItem>;

/** @param reviewer with the people for whom the reviewer stands in now */
export function personOf({ reviewer: { id, groups, roles, standsInFor = [] }, session }: Caller): SignedIn {
  return {
    id,
    name: id,
    groups: [...groups],
    roles: [...roles],
    stands_in_for: standsInFor.map((absent) => absent.id),
    expires_at: session && iso(session.expiresAt),
  };
}

/** @param own the session of the request */
export function showSession(session: Session, own: Session | null): SessionItem {
  return {
    session_id: session.id,
    reviewer: session.reviewer,
    created_at: iso(session.createdAt),
    last_seen_at: iso(session.lastSeenAt),
    expires_at: iso(session.expiresAt),
    user_agent: session.userAgent,
    address: session.address,
    current: session.id === own?.id,
  };
}
