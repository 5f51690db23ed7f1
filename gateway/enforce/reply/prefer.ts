import type { IncomingHttpHeaders } from 'node:http';
import type { Preference } from '../../domain/reply.ts';

/** `Prefer: respond-async, wait=N` (RFC 7240), N in seconds. */
export function readPrefer(headers: IncomingHttpHeaders): Preference {
  const prefer = headers['prefer'];
  if (prefer === undefined) return { async: false, wait: null };
  const preferences = String(prefer)
    .toLowerCase()
    .split(',')
    .map((preference) => preference.trim());
  const wait = preferences.map((preference) => /^wait="?(\d{1,6})"?$/.exec(preference)?.[1]).find(Boolean);
  return { async: preferences.includes('respond-async'), wait: wait === undefined ? null : Number(wait) * 1000 };
}
