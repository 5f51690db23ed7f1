import type { Principal } from '../domain/principal.ts';

type Where = { readonly principal: Pick<Principal, 'agent'>; readonly system: string };
type OpenCall = Where & { readonly id: string; readonly askedDigest: string };

/** Ids of open holds by agent, then by system, then by the digest of the call that the agent sent. */
export class OpenCalls {
  readonly #holds = new Map<string, Map<string, Map<string, string>>>();

  /** Whether the agent has any open hold at the system. */
  has({ principal: { agent }, system }: Where): boolean {
    return this.#holds.get(agent)?.has(system) ?? false;
  }

  find({ principal: { agent }, system }: Where, digest: string): string | null {
    return this.#holds.get(agent)?.get(system)?.get(digest) ?? null;
  }

  add({ id, principal: { agent }, system, askedDigest }: OpenCall): void {
    const ofAgent = this.#holds.get(agent) ?? new Map<string, Map<string, string>>();
    const atSystem = ofAgent.get(system) ?? new Map<string, string>();
    this.#holds.set(agent, ofAgent.set(system, atSystem.set(askedDigest, id)));
  }

  remove({ id, principal: { agent }, system, askedDigest }: OpenCall): void {
    const ofAgent = this.#holds.get(agent);
    const atSystem = ofAgent?.get(system);
    // A newer hold on the same call may have replaced it.
    if (atSystem?.get(askedDigest) !== id) return;
    atSystem.delete(askedDigest);
    if (atSystem.size === 0) ofAgent?.delete(system);
    if (ofAgent?.size === 0) this.#holds.delete(agent);
  }
}
