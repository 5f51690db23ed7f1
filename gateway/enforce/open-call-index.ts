import type { Call } from '../domain/call.ts';
import { isSafe } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { isOpen, type DigestAction, type Hold } from '../domain/hold.ts';
import { isRefusal } from '../domain/hold-command.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { Problem } from '../domain/problem.ts';

/** Holds on identical calls: what policy allows now may be waiting at a hold since it asked people. */
export type Twins = {
  /** Resolves when what is open is known. @throws Problem `store-unavailable` */
  start(): Promise<void>;
  /** The open hold of the same agent on the same call; null when there is none. Costs one look-up where it has none. */
  of(call: Call): string | null;
  /**
   * Gives the hold up for the call, which may be sent then. Resolves with the hold where it was sent already, or may have
   * been: then the call must not be.
   * @throws Problem `store-unavailable`: then it must not be sent either
   */
  giveUp(holdId: string, call: Call, decision: Decision): Promise<Hold | null>;
  stop(): void;
};

/** Knows the open calls of all agents, as they were at the start and as the store tells of every change. */
export function createTwins(store: Pick<HoldStore, 'openCalls' | 'watch' | 'apply'>, digest: DigestAction): Twins {
  /** Ids of holds by agent, by system, by the digest that the agent sent. */
  const open = new Map<string, Map<string, Map<string, string>>>();

  function add(id: string, agent: string, system: string, asked: string): void {
    const ofAgent = open.get(agent) ?? new Map<string, Map<string, string>>();
    const atSystem = ofAgent.get(system) ?? new Map<string, string>();
    open.set(agent, ofAgent.set(system, atSystem.set(asked, id)));
  }

  function remove({ id, principal: { agent }, system, askedDigest }: Hold): void {
    const ofAgent = open.get(agent);
    const atSystem = ofAgent?.get(system);
    // A newer hold on the same call may have taken its place.
    if (atSystem?.get(askedDigest) !== id) return;
    atSystem.delete(askedDigest);
    if (atSystem.size === 0) ofAgent?.delete(system);
    if (ofAgent?.size === 0) open.delete(agent);
  }

  /** Those that ended while the others were read; null otherwise. */
  let ended: Set<string> | null = null;
  let stop = () => {};

  function changed(hold: Hold): void {
    if (hold.kind !== 'approval') return;
    if (isOpen(hold)) add(hold.id, hold.principal.agent, hold.system, hold.askedDigest);
    else {
      ended?.add(hold.id);
      remove(hold);
    }
  }

  return {
    async start() {
      ended = new Set();
      stop = store.watch(changed);
      for (const { id, agent, system, digest: asked } of await store.openCalls()) {
        if (!ended.has(id)) add(id, agent, system, asked);
      }
      ended = null;
    },
    of(call) {
      const atSystem = open.get(call.principal.agent)?.get(call.system);
      if (!atSystem || isSafe(call.method)) return null;
      return atSystem.get(digest(call, call)) ?? null;
    },
    async giveUp(holdId, call, { policyRevision }) {
      const reason = `policy allows it now; it was forwarded as ${call.id}`;
      const result = await store.apply(holdId, { type: 'supersede', reason, policyRevision });
      if (!isRefusal(result) || !result.hold) return null;
      if (mayHaveArrived(result.hold)) return result.hold;
      if (isOpen(result.hold)) throw new Problem('store-unavailable', { cause: new Error(result.detail) });
      return null;
    },
    stop: () => stop(),
  };
}

function mayHaveArrived({ execution }: Hold): boolean {
  return ['releasing', 'executed', 'indeterminate', 'confirmed-executed'].includes(execution);
}
