import { isSafe, unload, type Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import { assertCall, isOpen, type CallHold, type DigestAction, type Hold } from '../domain/hold.ts';
import { isRefusal } from '../domain/hold-command.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { Problem } from '../domain/problem.ts';
import type { SenderStore } from '../domain/sender.ts';
import { RecentSends } from './recent-sends.ts';
import type { HeldSince } from './wait/serve-held-call.ts';

/** Milliseconds between two looks at the store, after which older calls need not be remembered. */
const REFRESH = 1_000;

/** Open holds on calls. A call that policy allows now may still wait at a hold from an earlier decision. */
export type OpenCallIndex = {
  /** Resolves when all open holds are loaded. @throws Problem `store-unavailable` */
  start(): Promise<void>;
  /**
   * Supersedes the agent's open hold on the same call. Null means that the call can be forwarded, and is remembered as
   * forwarded: a hold on it that another process opened may be heard of later.
   *
   * Returns the hold if its call was sent, or may have been. The caller then gets the answer to the held call, and
   * `call` must not be judged or sent.
   * @throws Problem `store-unavailable`: the call must not be forwarded
   */
  supersede(call: Call, decision: Decision): Promise<HeldSince | null> | null;
  /** Opens a hold on a call, whose digest is `asked`. Meanwhile, no call like it is forwarded. */
  opening(callId: string, asked: string, open: () => Promise<CallHold>): Promise<CallHold>;
  /** After the last call. Resolves when no hold needs to wait for this process any more. */
  stop(): Promise<void>;
};

/**
 * Loads the open holds of all agents at the start and follows every change that the store reports.
 * @param deps.sender names this process
 */
export function createOpenCallIndex(deps: {
  readonly holds: Pick<HoldStore, 'openCalls' | 'watch' | 'apply' | 'refresh'>;
  readonly senders: Pick<SenderStore, 'join' | 'heard' | 'leave' | 'clockSkew'>;
  readonly digest: DigestAction;
  readonly sender: string;
  readonly clock: Clock;
}): OpenCallIndex {
  const { holds, senders, digest, sender, clock } = deps;
  /** Hold ids by agent, then by system, then by the digest of the call that the agent sent. */
  const open = new Map<string, Map<string, Map<string, string>>>();
  /** Holds that this process is opening, by the digest of their calls; and the ids of the calls. */
  const underWay = new Map<string, Promise<unknown>>();
  const own = new Set<string>();
  const recent = new RecentSends(digest);
  /** Open holds of which the store knows that this process has heard, or is about to learn it. */
  const confirmed = new Set<string>();
  /** Holds to confirm; with each, the call like it that this process has sent, if any. */
  const heard = new Map<string, string | null>();
  let confirming: Promise<void> | null = null;

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

  /** Holds that ended while others were being read or opened, which may be told last; empty at any other time. */
  const ended = new Set<string>();
  let reading = 0;
  let forgotten = 0;
  let stop = () => {};
  let timer: NodeJS.Timeout | undefined;

  async function whileReading<T>(read: () => Promise<T>): Promise<T> {
    reading += 1;
    try {
      return await read();
    } finally {
      reading -= 1;
      if (reading === 0) ended.clear();
    }
  }

  function changed(hold: Hold): void {
    if (hold.kind !== 'approval') return;
    if (isOpen(hold)) {
      add(hold.id, hold.principal.agent, hold.system, hold.askedDigest);
      hear(hold);
    } else {
      if (reading > 0) ended.add(hold.id);
      confirmed.delete(hold.id);
      remove(hold);
    }
  }

  /** The hold is in the index now, so that no call like it is forwarded any more; but one may have been. */
  function hear(hold: CallHold): void {
    if (hold.execution !== 'none' || isSafe(hold.method) || confirmed.has(hold.id)) return;
    confirmed.add(hold.id);
    // The store has learned it with the hold.
    if (own.has(hold.callId)) return;
    heard.set(hold.id, recent.twinOf(hold, hold.createdAt - senders.clockSkew));
    confirmSoon();
  }

  function confirmSoon(): void {
    confirming ??= confirm().then(
      () => {
        confirming = null;
        if (heard.size > 0) confirmSoon();
      },
      // It is tried again with the next hold, and at the next look.
      () => void (confirming = null),
    );
  }

  async function confirm(): Promise<void> {
    while (heard.size > 0) {
      const batch = [...heard];
      for (const [id, twin] of batch) {
        if (twin === null) continue;
        const reason = `policy allowed the same call at another process; it was forwarded as ${twin}`;
        await holds.apply(id, { type: 'supersede', reason, policyRevision: null });
      }
      await senders.heard(
        sender,
        batch.map(([id]) => id),
      );
      for (const [id] of batch) heard.delete(id);
    }
  }

  /** Of calls that were sent before a look at the store, no hold can come to light after it. */
  async function forgetOld(): Promise<void> {
    if (heard.size > 0) confirmSoon();
    const before = recent.added;
    if (before === forgotten) return;
    await holds.refresh();
    recent.forget(before);
    forgotten = before;
  }

  function schedule(): void {
    timer = setTimeout(() => {
      void forgetOld()
        .catch(() => {})
        .finally(() => timer && schedule());
    }, REFRESH).unref();
  }

  /** The open hold on the same call. One lookup when the agent has no hold at the system. */
  function find(call: Call): string | null {
    const atSystem = open.get(call.principal.agent)?.get(call.system);
    if (!atSystem) return null;
    return atSystem.get(digest(call, call)) ?? atSystem.get(digest.earlier(call, call)) ?? null;
  }

  async function supersedeHold(holdId: string, call: Call, { policyRevision }: Decision): Promise<HeldSince | null> {
    const since = performance.now();
    const reason = `policy allows it now; it was forwarded as ${call.id}`;
    const result = await holds.apply(holdId, { type: 'supersede', reason, policyRevision });
    if (isRefusal(result) && result.hold) {
      if (mayHaveArrived(result.hold)) {
        unload(call);
        return { hold: assertCall(result.hold), since };
      }
      if (isOpen(result.hold)) throw new Problem('store-unavailable', { cause: new Error(result.detail) });
    }
    recent.add(call, clock());
    return null;
  }

  async function supersedeOpening(call: Call, decision: Decision): Promise<HeldSince | null> {
    await underWay.get(digest(call, call))?.catch(() => {});
    return await supersede(call, decision);
  }

  function supersede(call: Call, decision: Decision): Promise<HeldSince | null> | null {
    if (isSafe(call.method)) return null;
    const holdId = find(call);
    if (holdId !== null) return supersedeHold(holdId, call, decision);
    recent.add(call, clock());
    return null;
  }

  return {
    async start() {
      await senders.join(sender);
      await whileReading(async () => {
        stop = holds.watch(changed);
        const calls = (await holds.openCalls()).filter(({ id }) => !ended.has(id));
        for (const { id, agent, system, digest: asked } of calls) add(id, agent, system, asked);
        // This process has sent no call yet.
        for (const { id } of calls) confirmed.add(id);
        await senders.heard(
          sender,
          calls.map(({ id }) => id),
        );
      });
      schedule();
    },
    supersede: (call, decision) =>
      underWay.size > 0 && underWay.has(digest(call, call))
        ? supersedeOpening(call, decision)
        : supersede(call, decision),
    opening(callId, asked, work) {
      own.add(callId);
      const opened = whileReading(async () => {
        const hold = await work();
        if (isOpen(hold) && !ended.has(hold.id)) {
          add(hold.id, hold.principal.agent, hold.system, hold.askedDigest);
          if (hold.callId === callId) confirmed.add(hold.id);
        }
        return hold;
      });
      underWay.set(asked, opened);
      return opened.finally(() => {
        own.delete(callId);
        if (underWay.get(asked) === opened) underWay.delete(asked);
      });
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      try {
        await holds.refresh();
        await confirming;
        if (heard.size === 0) await senders.leave(sender);
      } finally {
        stop();
      }
    },
  };
}

function mayHaveArrived({ execution }: Hold): boolean {
  return ['releasing', 'executed', 'indeterminate', 'confirmed-executed'].includes(execution);
}
