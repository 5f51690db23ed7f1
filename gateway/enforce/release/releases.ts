import type { Logger } from 'pino';
import type { Clock } from '../../domain/clock.ts';
import type { Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { Problem } from '../../domain/problem.ts';
import type { System } from '../../domain/system.ts';
import { settleAbandoned } from './abandoned.ts';
import type { Forwarder } from '../forwarder.ts';
import type { Outcomes } from './outcomes.ts';
import { createReadBacks } from './read-back.ts';
import { createHandleReleases } from './release-handles.ts';
import type { Releaser } from './release.ts';
import { createResends } from './resend.ts';
import { hasEnded } from './instance.ts';

/** Milliseconds between two signs of life, and between two looks for what the dead left behind. */
const BEAT = 5_000;
/** Where this process could give no sign for so long, others could not either: they get as long to be heard again. */
const OUTAGE = 2 * BEAT;

export type Releases = {
  /** Resolves when this run is known to be alive, which it has to be before it sends anything; and what the dead left is settled. */
  live(): Promise<void>;
  /** Begins to release, once there is a policy to decide by. */
  start(): void;
  /** A process of this run has ended. */
  ended(instance: string): void;
  /** Begins nothing more; waits up to `limit` ms for what is under way. */
  stop(limit: number): Promise<void>;
  /** Whether the store answered last time. */
  readonly healthy: boolean;
};

/**
 * What control does for held calls without a caller: releases those whose callers left with a handle, sends again or reads
 * back those of unknown outcome, and settles what processes that have ended left in the middle.
 */
export function createReleases(deps: {
  readonly store: HoldStore;
  readonly releaser: Releaser;
  readonly outcomes: Outcomes;
  readonly forwarder: Forwarder;
  readonly systems: ReadonlyMap<string, System>;
  /** This process, the run of the gateway that it belongs to, and the processes of that run when this one was started. */
  readonly instance: string;
  readonly run: string;
  readonly alive: readonly string[];
  readonly log: Logger;
  readonly clock: Clock;
}): Releases {
  const { store, releaser, outcomes, forwarder, systems, instance, run, alive, log, clock } = deps;
  const ended = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let healthy = true;
  let beatenAt: number | null = null;
  let othersUnknownUntil = 0;

  const failing = (message: string) => (err: unknown, hold: Hold | null) =>
    unlessAway(err, () => log.error({ err, hold_id: hold?.id }, message));
  const rounds = [
    createHandleReleases({
      store,
      releaser,
      clock,
      failed: failing('an approved call could not be released; it is tried again'),
    }),
    createResends({
      store,
      releaser,
      clock,
      failed: failing('a call of unknown outcome could not be sent again; it is tried again'),
    }),
    createReadBacks({
      store,
      forwarder,
      systems,
      clock,
      failed: failing('a call of unknown outcome could not be read back; it is tried again'),
    }),
  ];

  async function beat(): Promise<void> {
    await store.beat(run);
    const now = performance.now();
    if (beatenAt !== null && now - beatenAt > OUTAGE) othersUnknownUntil = now + OUTAGE;
    beatenAt = now;
    const known = { alive, ended, liveRuns: now < othersUnknownUntil ? null : await store.liveRuns() };
    const isDead = (name: string) => hasEnded(name, instance, known);
    const holds = await settleAbandoned({ store, systems, ended: isDead, clock });
    if (holds > 0) log.warn({ holds }, 'calls were being released by a process that ended; their outcome is unknown');
  }

  async function keepBeating(): Promise<void> {
    try {
      await beat();
      if (!healthy) log.info('the store of holds answers again');
      healthy = true;
    } catch (err) {
      if (healthy) log.error({ err }, 'the store of holds does not answer; new holds are refused until it does');
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
      for (const round of rounds) round.start();
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
      await Promise.race([Promise.all(rounds.map((round) => round.stop())), late]);
      await outcomes.close(Math.max(0, until - performance.now()));
    },
    get healthy() {
      return healthy;
    },
  };
}

/** That the store is away is said once, by the one who looks for life; others who notice add nothing to it. */
export function unlessAway(error: unknown, say: () => void): void {
  if (!(error instanceof Problem && error.code === 'store-unavailable')) say();
}
