import { defaultRole, isCredential, isOwnHeader, type HeaderRole } from './known-headers.ts';
import { isMethodOverride } from './method-override.ts';
import type { System } from './system.ts';

/** The role of a header at one system. @param name as received; case and `_` for `-` do not matter */
export type HeaderRoles = (name: string) => HeaderRole;

/** Agents send the same few spellings over and over, so each spelling is looked at once. */
const MAX_SPELLINGS = 1000;
const LONGEST_SPELLING = 64;

/** Headers of MCP's transport: its session, its place in a stream, and what is compared with the message. */
export const MCP_HEADERS: ReadonlySet<string> = new Set([
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
]);

/** The parts of a system that its headers depend on. */
export type HeaderSettings = Pick<System, 'cookies' | 'credential' | 'headers' | 'mcp'> & {
  readonly agentCredential: Pick<System['agentCredential'], 'header'>;
};

/** The roles of the headers of calls to one system. */
export function createHeaderRoles({
  agentCredential,
  cookies,
  credential,
  headers = [],
  mcp,
}: HeaderSettings): HeaderRoles {
  const secret = new Set([agentCredential.header, ...ownHeaders(credential)].map(plainName));
  const named = new Set(headers.map(plainName));
  if (cookies === 'pass') named.add('cookie');
  const spellings = new Map<string, HeaderRole>();

  function classify(name: string): HeaderRole {
    if (secret.has(name)) return 'dropped';
    if (mcp !== undefined && MCP_HEADERS.has(name)) return 'passed';
    return named.has(name) ? roleOfNamed(name) : defaultRole(name);
  }

  return (spelling) => {
    let role = spellings.get(spelling);
    if (role === undefined) {
      role = classify(plainName(spelling));
      if (spellings.size >= MAX_SPELLINGS) spellings.clear();
      if (spelling.length <= LONGEST_SPELLING) spellings.set(spelling, role);
    }
    return role;
  };
}

/** In lower case. CGI and WSGI servers read x_api_key and X-Api-Key as the same variable (underscore smuggling). */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** Whether `input.action.headers` of the calls to a system can have a header of this role. */
export function isVisible(role: HeaderRole): boolean {
  return role === 'judged' || role === 'seen';
}

/**
 * Why `input.action.headers` never has a member of this name, and what to do; null if it can have one.
 * @param name as policy writes it
 */
export function whyNeverVisible(name: string, roleOf: HeaderRoles): string | null {
  const plain = plainName(name);
  const role = roleOf(plain);
  if (isVisible(role)) return name === plain ? null : `policy sees the header ${name} as "${plain}"`;
  if (isOwnHeader(plain) || isCredential(plain) || role === 'sealed') return `policy never sees the header ${plain}`;
  return role === 'passed'
    ? `policy does not see the header ${plain} unless the \`headers\` of the system name it`
    : `policy does not see the header ${plain}, and the system does not get it, unless its \`headers\` name it`;
}

/** Why a system's `headers` cannot name a header; null if they can. @param name by `plainName` */
export function whyNotNameable(name: string, { agentCredential, credential }: HeaderSettings): string | null {
  if (name === plainName(agentCredential.header))
    return `${name} carries the agent's token, which is never sent; remove it`;
  if (ownHeaders(credential).map(plainName).includes(name)) return `${name} is the system's own credential; remove it`;
  if (name === 'cookie') return 'cookies are sent with `cookies: pass`; remove it';
  if (isMethodOverride(name)) return `${name} overrides the judged method; agents send that method instead`;
  return isOwnHeader(name) ? `${name} is set or read by the gateway itself; remove it` : null;
}

function ownHeaders(credential: HeaderSettings['credential']): string[] {
  return credential?.headers.map(({ name }) => name) ?? [];
}

function roleOfNamed(name: string): HeaderRole {
  if (isOwnHeader(name)) return 'dropped';
  return isCredential(name) ? 'sealed' : 'judged';
}
