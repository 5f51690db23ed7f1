import type { Logger } from 'pino';
import type { Clock } from '../../domain/clock.ts';
import type { Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { RunStore } from '../../domain/run.ts';
import { Problem } from '../../domain/problem.ts';
import type { SenderStore } from '../../domain/sender.ts';
import type { System } from '../../domain/system.ts';
import { settleAbandoned } from './abandoned.ts';
import type { Forwarder } from '../forwarder.ts';
import type { Outcomes } from './outcomes.ts';
import { createReadBacks } from './read-back.ts';
import { createHandleReleases } from './release-handles.ts';
import type { Releaser } from './release.ts';
import { createResends } from './resend.ts';
import { hasEnded } from './instance.ts';

/** Milliseconds between two heartbeats, and between two searches for abandoned holds. */
const BEAT = 5_000;
/** If this process could not send a heartbeat for so long, other runs could not either. They get as long to return. */
const OUTAGE = 2 * BEAT;

export type Releases = {
  /** Resolves after the first heartbeat, which must come before any release, and once abandoned holds are settled. */
  live(): Promise<void>;
  /** Begins to release. Needs a policy in force. */
  start(): void;
  /** A process of this run has ended. */
  ended(instance: string): void;
  /** Starts no more work; waits up to `limit` ms for work under way. */
  stop(limit: number): Promise<void>;
  /** Whether the store answered the last heartbeat. */
  readonly healthy: boolean;
};

/**
 * Control's work on held calls without a caller. It releases calls whose callers left with a handle, resends or reads
 * back calls of unknown outcome, and settles the releases that ended processes left unfinished.
 */
export function createReleases(deps: {
  readonly holds: HoldStore;
  readonly runs: RunStore;
  readonly senders: Pick<SenderStore, 'end'>;
  readonly releaser: Releaser;
  readonly outcomes: Outcomes;
  readonly forwarder: Forwarder;
  readonly systems: ReadonlyMap<string, System>;
  /** This process, its run of the gateway, and the processes of that run that were alive when this one started. */
  readonly instance: string;
  readonly run: string;
  /** A run whose processes have ended, although it beat lately. */
  readonly endedRun: string | null;
  readonly alive: readonly string[];
  readonly log: Logger;
  readonly clock: Clock;
}): Releases {
  const { holds, runs, senders, releaser, outcomes, forwarder, systems, instance, run, endedRun, alive, log, clock } =
    deps;
  const ended = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let healthy = true;
  let beatenAt: number | null = null;
  let othersUnknownUntil = 0;

  const failing = (message: string) => (err: unknown, hold: Hold | null) =>
    unlessAway(err, () => log.error({ err, hold_id: hold?.id }, message));
  const pollers = [
    createHandleReleases({
      holds,
      releaser,
      clock,
      failed: failing('an approved call could not be released; retrying'),
    }),
    createResends({
      holds,
      releaser,
      clock,
      failed: failing('a call of unknown outcome could not be resent; retrying'),
    }),
    createReadBacks({
      holds,
      forwarder,
      systems,
      clock,
      failed: failing('a call of unknown outcome could not be read back; retrying'),
    }),
  ];

  async function beat(): Promise<void> {
    await runs.beat(run);
    const now = performance.now();
    if (beatenAt !== null && now - beatenAt > OUTAGE) othersUnknownUntil = now + OUTAGE;
    beatenAt = now;
    const known = { alive, ended, endedRun, liveRuns: now < othersUnknownUntil ? null : await runs.live() };
    const isDead = (name: string) => hasEnded(name, instance, known);
    await senders.end(isDead);
    const abandoned = await settleAbandoned({ holds, systems, ended: isDead, clock });
    if (abandoned > 0)
      log.warn({ holds: abandoned }, 'a process ended while it released calls; their outcome is unknown');
  }

  async function keepBeating(): Promise<void> {
    try {
      await beat();
      if (!healthy) log.info('the hold store is available again');
      healthy = true;
    } catch (err) {
      if (healthy) log.error({ err }, 'the hold store is unavailable; new holds are refused until it is back');
      healthy = false;
    }
  }

  function schedule(): void {
    timer = setTimeout(() => void keepBeating().finally(() => timer && schedule()), BEAT);
  }

  return {
    async live() {
      await beat();
      schedule();
    },
    start() {
      for (const poller of pollers) poller.start();
    },
    ended(name) {
      ended.add(name);
      void keepBeating();
    },
    async stop(limit) {
      clearTimeout(timer);
      timer = undefined;
      const until = performance.now() + limit;
      const late = new Promise<void>((resolve) => setTimeout(resolve, limit).unref());
      await Promise.race([Promise.all(pollers.map((poller) => poller.stop())), late]);
      await outcomes.close(Math.max(0, until - performance.now()));
    },
    get healthy() {
      return healthy;
    },
  };
}

/** Logs an error, unless the store is unavailable: the heartbeat logs that once for all. */
export function unlessAway(error: unknown, say: () => void): void {
  if (!(error instanceof Problem && error.code === 'store-unavailable')) say();
}
