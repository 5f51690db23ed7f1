import type { Principal } from '../domain/principal.ts';

type Where = { readonly principal: Pick<Principal, 'agent'>; readonly system: string };
type OpenCall = Where & { readonly id: string; readonly askedDigest: string };

/**
 * Ids of open holds by agent, then by system, then by the digest of the call that the agent sent. Of one call there is
 * one open hold, but this process may hear of the next one before it hears that the first has ended.
 */
export class OpenCalls {
  readonly #holds = new Map<string, Map<string, Map<string, Set<string>>>>();

  /** Whether the agent has any open hold at the system. */
  has({ principal: { agent }, system }: Where): boolean {
    return this.#holds.get(agent)?.has(system) ?? false;
  }

  /** An open hold on the call, other than these. */
  find({ principal: { agent }, system }: Where, digest: string, except?: ReadonlySet<string>): string | null {
    const ids = this.#holds.get(agent)?.get(system)?.get(digest) ?? [];
    for (const id of ids) if (!except?.has(id)) return id;
    return null;
  }

  add({ id, principal: { agent }, system, askedDigest }: OpenCall): void {
    const ofAgent = this.#holds.get(agent) ?? new Map<string, Map<string, Set<string>>>();
    const atSystem = ofAgent.get(system) ?? new Map<string, Set<string>>();
    const ids = atSystem.get(askedDigest) ?? new Set<string>();
    this.#holds.set(agent, ofAgent.set(system, atSystem.set(askedDigest, ids.add(id))));
  }

  remove({ id, principal: { agent }, system, askedDigest }: OpenCall): void {
    const ofAgent = this.#holds.get(agent);
    const atSystem = ofAgent?.get(system);
    const ids = atSystem?.get(askedDigest);
    ids?.delete(id);
    if (ids?.size === 0) atSystem?.delete(askedDigest);
    if (atSystem?.size === 0) ofAgent?.delete(system);
    if (ofAgent?.size === 0) this.#holds.delete(agent);
  }
}
