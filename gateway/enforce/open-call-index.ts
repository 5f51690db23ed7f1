import { isSafe, unload, type Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import { assertCall, isOpen, isOwed, type CallHold, type DigestAction, type Hold } from '../domain/hold.ts';
import { isRefusal } from '../domain/hold-command.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import { Problem } from '../domain/problem.ts';
import { createHearing } from './hearing.ts';
import { OpenCalls } from './open-calls.ts';
import type { HeldSince } from './wait/serve-held-call.ts';

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

/** Loads the open holds of all agents at the start and follows every change that the store reports. */
export function createOpenCallIndex(
  deps: Parameters<typeof createHearing>[0] & {
    readonly holds: Pick<HoldStore, 'openCalls' | 'watch'>;
    readonly digest: DigestAction;
  },
): OpenCallIndex {
  const { holds, digest } = deps;
  const hearing = createHearing(deps);
  const open = new OpenCalls();
  /** Holds that this process is opening, by the digest of their calls; and the ids of the calls. */
  const underWay = new Map<string, Promise<unknown>>();
  const own = new Set<string>();
  /** Holds that ended while others were being read or opened, which may be told last; empty at any other time. */
  const ended = new Set<string>();
  let reading = 0;
  let stop = () => {};

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
    if (!isOpen(hold)) {
      if (reading > 0) ended.add(hold.id);
      hearing.ended(hold.id);
      open.remove(hold);
      return;
    }
    // From here on no call like it is forwarded; but one may have been.
    open.add(hold);
    if (own.has(hold.callId)) hearing.opened(hold.id);
    else hearing.hear(hold);
  }

  async function supersedeHolds(asked: string, call: Call, { policyRevision }: Decision): Promise<HeldSince | null> {
    const since = performance.now();
    const reason = `policy allows it now; it was forwarded as ${call.id}`;
    const done = new Set<string>();
    // Another hold on the call may come to light while the store is asked about one.
    for (let id = open.find(call, asked, done); id !== null; id = open.find(call, asked, done)) {
      done.add(id);
      const result = await holds.apply(id, { type: 'supersede', reason, policyRevision });
      if (!isRefusal(result) || !result.hold) continue;
      if (mayHaveArrived(result.hold)) {
        unload(call);
        return { hold: assertCall(result.hold), since };
      }
      // It expired, and policy allows the call now.
      if (isOwed(result.hold)) await holds.apply(id, { type: 'told' });
      else if (isOpen(result.hold)) throw new Problem('store-unavailable', { cause: new Error(result.detail) });
    }
    hearing.sends(call);
    return null;
  }

  async function supersedeOpening(call: Call, decision: Decision): Promise<HeldSince | null> {
    await underWay.get(digest(call, call))?.catch(() => {});
    return await supersede(call, decision);
  }

  /** The digest under which a hold on the call is open, if any is: an earlier version may have stored it. */
  function askedAs(call: Call): string | null {
    return (
      [digest, digest.earlier].map((of) => of(call, call)).find((asked) => open.find(call, asked) !== null) ?? null
    );
  }

  function supersede(call: Call, decision: Decision): Promise<HeldSince | null> | null {
    const asked = open.has(call) ? askedAs(call) : null;
    if (asked !== null) return supersedeHolds(asked, call, decision);
    hearing.sends(call);
    return null;
  }

  return {
    async start() {
      await hearing.join();
      await whileReading(async () => {
        stop = holds.watch(changed);
        const calls = (await holds.openCalls()).filter(({ id }) => !ended.has(id));
        for (const { id, agent, system, digest: askedDigest } of calls) {
          open.add({ id, principal: { agent }, system, askedDigest });
        }
        await hearing.begin(calls.map(({ id }) => id));
      });
    },
    supersede(call, decision) {
      if (isSafe(call.method)) return null;
      const isOpening = underWay.size > 0 && underWay.has(digest(call, call));
      return isOpening ? supersedeOpening(call, decision) : supersede(call, decision);
    },
    opening(callId, asked, work) {
      own.add(callId);
      const opened = whileReading(async () => {
        const hold = await work();
        if (isOpen(hold) && !ended.has(hold.id)) {
          open.add(hold);
          if (hold.callId === callId) hearing.opened(hold.id);
        }
        return hold;
      });
      underWay.set(asked, opened);
      return opened.finally(() => {
        own.delete(callId);
        if (underWay.get(asked) === opened) underWay.delete(asked);
      });
    },
    stop: () => hearing.leave().finally(() => stop()),
  };
}

/** Also where a person took it over, of which its caller does not know yet. */
function mayHaveArrived(hold: Hold): boolean {
  if (hold.status === 'taken-over') return isOwed(hold);
  return ['releasing', 'executed', 'indeterminate', 'confirmed-executed'].includes(hold.execution);
}
