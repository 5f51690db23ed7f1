import { isSafe, unload, type Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { assertCall, isOpen, type CallHold, type DigestAction, type Hold } from '../domain/hold.ts';
import { isRefusal } from '../domain/hold-command.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { Problem } from '../domain/problem.ts';
import type { HeldSince } from './wait/serve-held-call.ts';

/** Open holds on calls. A call that policy allows now may still wait at a hold from an earlier decision. */
export type OpenCallIndex = {
  /** Resolves when all open holds are loaded. @throws Problem `store-unavailable` */
  start(): Promise<void>;
  /**
   * Supersedes the agent's open hold on the same call. Null means that the call can be forwarded.
   *
   * Returns the hold if its call was sent, or may have been. The caller then gets the answer to the held call, and
   * `call` must not be judged or sent.
   * @throws Problem `store-unavailable`: the call must not be forwarded
   */
  supersede(call: Call, decision: Decision): Promise<HeldSince | null> | null;
  stop(): void;
};

/** Loads the open holds of all agents at the start and follows every change that the store reports. */
export function createOpenCallIndex(
  store: Pick<HoldStore, 'openCalls' | 'watch' | 'apply'>,
  digest: DigestAction,
): OpenCallIndex {
  /** Hold ids by agent, then by system, then by the digest of the call that the agent sent. */
  const open = new Map<string, Map<string, Map<string, string>>>();

  function add(id: string, agent: string, system: string, asked: string): void {
    const ofAgent = open.get(agent) ?? new Map<string, Map<string, string>>();
    const atSystem = ofAgent.get(system) ?? new Map<string, string>();
    open.set(agent, ofAgent.set(system, atSystem.set(asked, id)));
  }

  function remove({ id, principal: { agent }, system, askedDigest }: CallHold): void {
    const ofAgent = open.get(agent);
    const atSystem = ofAgent?.get(system);
    // A newer hold on the same call may have replaced it.
    if (atSystem?.get(askedDigest) !== id) return;
    atSystem.delete(askedDigest);
    if (atSystem.size === 0) ofAgent?.delete(system);
    if (ofAgent?.size === 0) open.delete(agent);
  }

  /** Holds that ended while the initial list was being read; null at any other time. */
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

  /** The open hold on the same call. One lookup when the agent has no hold at the system. */
  function find(call: Call): string | null {
    const atSystem = open.get(call.principal.agent)?.get(call.system);
    if (!atSystem || isSafe(call.method)) return null;
    return atSystem.get(digest(call, call)) ?? atSystem.get(digest.earlier(call, call)) ?? null;
  }

  async function supersedeHold(holdId: string, call: Call, { policyRevision }: Decision): Promise<HeldSince | null> {
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
      return holdId === null ? null : supersedeHold(holdId, call, decision);
    },
    stop: () => stop(),
  };
}

function mayHaveArrived({ execution }: Hold): boolean {
  return ['releasing', 'executed', 'indeterminate', 'confirmed-executed'].includes(execution);
}
