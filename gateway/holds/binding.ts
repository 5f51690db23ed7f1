import { hash } from 'node:crypto';
import { createHeaderRoles, type HeaderRoles, type HeaderSettings } from '../domain/header-roles.ts';
import type { DigestAction } from '../domain/hold.ts';
import type { System } from '../domain/system.ts';
import { canonicalJson } from '../json/exact-json.ts';
import { isMcpRequest } from '../mcp/endpoint.ts';
import { messageIdentity } from '../mcp/message.ts';
import type { Action } from './action.ts';
import { bodyDigest, withoutBoundary } from './body-digest.ts';
import { earlierDigest } from './earlier-digest.ts';

/** The form of the digested text. It differs from that of earlier versions, so that no digest is one of theirs. */
const FORM = 2;

const NO_BODY = Buffer.alloc(0);

/**
 * SHA-256 (lowercase hex) of an action's canonical JSON (RFC 8785). Actions with the same digest have the same effect.
 * Whatever `roleOf` neither drops nor knows to mean nothing is part of it.
 */
export function actionDigest(action: Action, roleOf: HeaderRoles): string {
  const { agent, onBehalfOf, method, url } = action;
  const headers = boundHeaders(action.headers, roleOf);
  const body = bodyDigest(action.body, headers['content-type']?.[0]);
  const type = headers['content-type'];
  if (type) headers['content-type'] = type.map(withoutBoundary);
  return hash('sha256', canonicalJson({ form: FORM, agent, onBehalfOf, method, url, headers, body }));
}

/** A system that names no headers and takes tokens in the usual ones. */
const USUAL: HeaderSettings = { agentCredential: { header: 'authorization' } };

/** The digest of a call as it came in, and of one as it was stored: the same function, so that they can be compared. */
export function createDigest(systems: ReadonlyMap<string, System>): DigestAction {
  const roles = new Map([...systems].map(([name, system]) => [name, createHeaderRoles(system)]));
  const usual = createHeaderRoles(USUAL);
  const actionOf = (...[{ principal, system }, what]: Parameters<DigestAction>): Action => {
    const { agent, onBehalfOf } = principal;
    const { method, target, headers } = what;
    const mcp = systems.get(system);
    const body = mcp?.mcp !== undefined && isMcpRequest(mcp, what) ? messageIdentity(what.body) : what.body;
    return { agent, onBehalfOf, method, url: `/${system}${target}`, headers, body };
  };
  const digest = (...call: Parameters<DigestAction>) =>
    actionDigest(actionOf(...call), roles.get(call[0].system) ?? usual);
  const envelope = (...[whose, what]: Parameters<DigestAction>) =>
    digest(whose, { ...what, target: '', body: NO_BODY });
  const earlier = (...call: Parameters<DigestAction>) =>
    earlierDigest(actionOf(...call), systems.get(call[0].system)?.agentCredential.header ?? 'authorization');
  return Object.assign(digest, { envelope, earlier });
}

function boundHeaders(raw: readonly string[], roleOf: HeaderRoles): Record<string, string[]> {
  // No prototype: a header named __proto__ must count like any other.
  const headers: Record<string, string[]> = Object.create(null);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const role = roleOf(raw[i]!);
    if (role !== 'judged' && role !== 'sealed') continue;
    const name = raw[i]!.toLowerCase();
    const value = name === 'prefer' ? withoutOwnPreferences(raw[i + 1]!) : raw[i + 1]!;
    if (value !== '' || name !== 'prefer') (headers[name] ??= []).push(value);
  }
  return headers;
}

/** How long to wait is for the gateway. Other preferences are for the system, such as `resolution=merge-duplicates`. */
function withoutOwnPreferences(prefer: string): string {
  return prefer
    .split(',')
    .map((preference) => preference.trim())
    .filter((preference) => !/^(?:respond-async|wait="?\d+"?)?$/i.test(preference))
    .join(', ');
}
