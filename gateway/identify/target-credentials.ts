import type { Principal } from '../domain/principal.ts';
import type { System } from '../domain/system.ts';

/**
 * A target without the credentials that were in it, and the agent to which its token belongs.
 * `hasToken`: whether there is anything in the place of a token, known or not.
 */
type Taken = { readonly target: string; readonly principal: Principal | null; readonly hasToken: boolean };

/** What a system's calls may have in their target that is not part of the call. */
type Places = Pick<System, 'agentCredential' | 'credential'>;

/** Whether credentials can be in the targets of calls to a system. */
export function hasTargetCredentials({ agentCredential, credential }: Places): boolean {
  const { query, path } = agentCredential;
  return query !== undefined || path !== undefined || (credential !== undefined && credential.query.length > 0);
}

/**
 * Takes the agent's token, and parameters that the system's own credential fills, out of a target. The rest stays byte
 * for byte. What is taken out is never judged, recorded or sent.
 */
export function takeCredentials(
  target: string,
  { agentCredential: { path, query }, credential }: Places,
  findAgent: (token: string) => Principal | null,
): Taken {
  const inPath = path === undefined ? null : takeSegment(target, path, findAgent);
  const { target: rest, values } = takeParameters(inPath?.target ?? target, query, credential);
  // A token that was sent twice is as ambiguous as two headers.
  const principal = inPath?.principal ?? (values.length === 1 ? findAgent(values[0]!) : null);
  return { target: rest, principal, hasToken: inPath !== null || values.length > 0 };
}

/** Another segment at this place belongs to the call: only a known token is taken out. */
function takeSegment(target: string, template: string, findAgent: (token: string) => Principal | null): Taken | null {
  const [before = '', after = ''] = template.split('{token}').map(RegExp.escape);
  const match = new RegExp(`^${before}([^/?]+?)${after}(?=[/?]|$)`).exec(target);
  if (!match) return null;
  const principal = findAgent(decode(match[1]!));
  return { target: principal ? target.slice(match[0].length) : target, principal, hasToken: true };
}

function takeParameters(
  target: string,
  ofAgents: string | undefined,
  credential: Places['credential'],
): { readonly target: string; readonly values: readonly string[] } {
  const mark = target.indexOf('?');
  if (mark === -1) return { target, values: [] };
  const token = ofAgents === undefined ? null : plainName(ofAgents);
  const own = new Set(credential?.query.map(({ name }) => plainName(name)));
  const values: string[] = [];
  const kept = target
    .slice(mark + 1)
    .split('&')
    .filter((pair) => {
      const [written = '', value = ''] = pair.split(/=(.*)/s, 2);
      const name = plainName(decode(written));
      if (name === token) values.push(decode(value));
      return name !== token && !own.has(name);
    });
  return { target: target.slice(0, mark) + (kept.length > 0 ? `?${kept.join('&')}` : ''), values };
}

/** As the system may read the name of a parameter: some ignore its case, some nest what has brackets. */
function plainName(name: string): string {
  return name.replace(/\[.*$/s, '').trim().toLowerCase();
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
