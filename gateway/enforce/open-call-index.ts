import { isSafe, unload, type Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { assertCall, isOpen, type CallHold, type DigestAction, type Hold } from '../domain/hold.ts';
import { isRefusal } from '../domain/hold-command.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { Problem } from '../domain/problem.ts';
import type { HeldSince } from './wait/serve-held-call.ts';

/** Open holds on calls: what policy allows now may be waiting at a hold since policy asked people. */
export type OpenCallIndex = {
  /** Resolves when what is open is known. @throws Problem `store-unavailable` */
  start(): Promise<void>;
  /**
   * Supersedes the open hold of the same agent on the same call, so that the call can be forwarded. Null when it can.
   * Gives the hold where its call was sent already, or may have been: then the caller gets the answer to that one, and
   * nothing may be judged or sent from `call` any more.
   * @throws Problem `store-unavailable`: then the call must not be forwarded
   */
  supersede(call: Call, decision: Decision): Promise<HeldSince | null> | null;
  stop(): void;
};

/** Knows the open calls of all agents, as they were at the start and as the store tells of every change. */
export function createOpenCallIndex(
  store: Pick<HoldStore, 'openCalls' | 'watch' | 'apply'>,
  digest: DigestAction,
): OpenCallIndex {
  /** Ids of holds by agent, by system, by the digest that the agent sent. */
  const open = new Map<string, Map<string, Map<string, string>>>();

  function add(id: string, agent: string, system: string, asked: string): void {
    const ofAgent = open.get(agent) ?? new Map<string, Map<string, string>>();
    const atSystem = ofAgent.get(system) ?? new Map<string, string>();
    open.set(agent, ofAgent.set(system, atSystem.set(asked, id)));
  }

  function remove({ id, principal: { agent }, system, askedDigest }: CallHold): void {
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

  /** The open hold on the same call. One look-up where the agent has none at the system. */
  function find(call: Call): string | null {
    const atSystem = open.get(call.principal.agent)?.get(call.system);
    if (!atSystem || isSafe(call.method)) return null;
    return atSystem.get(digest(call, call)) ?? null;
  }

  async function giveUp(holdId: string, call: Call, { policyRevision }: Decision): Promise<HeldSince | null> {
    const since = performance.now();
    const reason = `policy allows it now; it was forwarded as ${call.id}`;
    const result = await store.apply(holdId, { type: 'supersede', reason, policyRevision });
    if (!isRefusal(result) || !result.hold) return null;
    if (mayHaveArrived(result.hold)) {
      unload(call);
      return { hold: assertCall(result.hold), since };
    }
    if (isOpen(result.hold)) throw new Problem('store-unavailable', { cause: new Error(result.detail) });
    return null;
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
    supersede(call, decision) {
      const holdId = find(call);
      return holdId === null ? null : giveUp(holdId, call, decision);
    },
    stop: () => stop(),
  };
}

function mayHaveArrived({ execution }: Hold): boolean {
  return ['releasing', 'executed', 'indeterminate', 'confirmed-executed'].includes(execution);
}
