import { isSafe, type Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { CallHold, DigestAction } from '../domain/hold.ts';
import type { HoldStore } from '../domain/hold-store.ts';
import type { SenderStore } from '../domain/sender.ts';
import { RecentSends } from './recent-sends.ts';

/** Milliseconds between two looks at the store, after which older calls need not be remembered. */
const REFRESH = 1_000;

/** This process as a sender of allowed calls: see "Two processes, one send" in `gateway/holds/README.md`. */
export type Hearing = {
  /** Before the first call, and before open holds are read. */
  join(): Promise<void>;
  /** The open holds that were read before the first call. */
  begin(holdIds: readonly string[]): Promise<void>;
  /** An allowed call is about to be sent. */
  sends(call: Call): void;
  /**
   * This process has heard of an open hold, and sends no call like it from now on. If it has sent one, the hold is
   * superseded. Then the store is told that this process has heard of the hold.
   */
  hear(hold: CallHold): void;
  /** This process has opened the hold; the store was told with it. */
  opened(holdId: string): void;
  ended(holdId: string): void;
  /** After the last call. Resolves when no hold needs to wait for this process any more. */
  leave(): Promise<void>;
};

export function createHearing(deps: {
  readonly holds: Pick<HoldStore, 'apply' | 'refresh'>;
  readonly senders: Pick<SenderStore, 'join' | 'heard' | 'leave' | 'clockSkew'>;
  readonly digest: DigestAction;
  /** Names this process. */
  readonly sender: string;
  /** Whether no other process holds calls. Then no hold comes to light later, and nothing has to be remembered. */
  readonly alone: boolean;
  readonly clock: Clock;
}): Hearing {
  const { holds, senders, digest, sender, alone, clock } = deps;
  const recent = new RecentSends(digest);
  /** Open holds of which the store knows that this process has heard, or is about to learn it. */
  const confirmed = new Set<string>();
  /** Holds to confirm; with each, the call like it that this process has sent, if any. */
  const heard = new Map<string, string | null>();
  let confirming: Promise<void> | null = null;
  let forgotten = 0;
  let timer: NodeJS.Timeout | undefined;

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
      const ids = batch.map(([id]) => id);
      await senders.heard(sender, ids);
      for (const id of ids) heard.delete(id);
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
    const look = () => forgetOld().catch(() => {});
    timer = setTimeout(() => void look().finally(() => timer && schedule()), REFRESH).unref();
  }

  return {
    join: () => senders.join(sender),
    async begin(holdIds) {
      for (const id of holdIds) confirmed.add(id);
      await senders.heard(sender, holdIds);
      schedule();
    },
    sends: alone ? () => {} : (call) => recent.add(call, clock()),
    hear(hold) {
      if (hold.execution !== 'none' || isSafe(hold.method) || confirmed.has(hold.id)) return;
      confirmed.add(hold.id);
      heard.set(hold.id, recent.twinOf(hold, hold.createdAt - senders.clockSkew));
      confirmSoon();
    },
    opened: (holdId) => void confirmed.add(holdId),
    ended: (holdId) => void confirmed.delete(holdId),
    async leave() {
      clearTimeout(timer);
      timer = undefined;
      await holds.refresh();
      while (confirming) await confirming;
      if (heard.size === 0) await senders.leave(sender);
    },
  };
}
