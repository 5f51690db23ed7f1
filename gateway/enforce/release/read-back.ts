import type { Clock } from '../../domain/clock.ts';
import type { CallHold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { ReadBack, System } from '../../domain/system.ts';
import { iso } from '../../domain/time.ts';
import type { Forwarder } from '../forwarder.ts';
import { createRounds, type Rounds } from './rounds.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';

const FIRST_LOOK = 5_000;
const LONGEST_WAIT = 10 * 60_000;
/** A call that is still being dealt with is not there yet: before that, its absence proves nothing. Milliseconds. */
const SETTLED_AFTER = 60_000;
/** And so often in a row it must not be there. */
const ABSENCES = 2;

/** What was seen of one hold so far. */
type Looks = { readonly at: number; readonly wait: number; readonly absences: number };

const DISCARD: UpstreamSink = {
  head() {},
  data: () => true,
  end() {},
  broken() {},
  onDrain() {},
  onGone() {},
};

/**
 * Finds out whether calls of unknown outcome were executed, by reading them back where a system says how. What is no
 * proof either way is looked at again, ever less often. What was seen is in memory: a restart begins anew.
 */
export function createReadBacks(options: {
  readonly store: Pick<HoldStore, 'watch' | 'indeterminate' | 'apply'>;
  readonly forwarder: Pick<Forwarder, 'prepare' | 'send'>;
  readonly systems: ReadonlyMap<string, Pick<System, 'readBack'>>;
  readonly clock: Clock;
  readonly failed: Parameters<typeof createRounds>[0]['failed'];
}): Rounds {
  const { store, forwarder, systems, clock, failed } = options;
  const looks = new Map<string, Looks>();

  function probeOf({ execution, resendAt, system, attempt }: CallHold): { readBack: ReadBack; sentAt: number } | null {
    const readBack = systems.get(system)?.readBack;
    return readBack && attempt && execution === 'indeterminate' && resendAt === null
      ? { readBack, sentAt: attempt.at }
      : null;
  }

  async function list(): Promise<CallHold[]> {
    const holds = await store.indeterminate();
    const open = new Set(holds.map(({ id }) => id));
    for (const id of looks.keys()) if (!open.has(id)) looks.delete(id);
    return holds;
  }

  async function look(hold: CallHold): Promise<void> {
    const probe = probeOf(hold);
    if (!probe) return;
    const { executed, notExecuted, path } = probe.readBack;
    const target = path.replaceAll('{idempotency_key}', encodeURIComponent(hold.attempt?.key ?? ''));
    const body = Buffer.alloc(0);
    const { system } = hold;
    const request = forwarder.prepare({ system, method: 'GET', target, headers: [], body }, { obligations: [] });
    const { status } = await forwarder.send(system, request, DISCARD);

    const at = clock();
    const before = looks.get(hold.id) ?? { at, wait: FIRST_LOOK / 2, absences: 0 };
    const isAbsent = notExecuted.includes(status) && at - probe.sentAt >= SETTLED_AFTER;
    const absences = isAbsent ? before.absences + 1 : 0;
    looks.set(hold.id, { at, wait: Math.min(before.wait * 2, LONGEST_WAIT), absences });

    const evidence = `GET ${target} answered ${status} at ${iso(at)}`;
    if (executed.includes(status)) await store.apply(hold.id, { type: 'read-back', executed: true, evidence });
    else if (absences >= ABSENCES) {
      const often = `${evidence}, ${absences} times in a row`;
      await store.apply(hold.id, { type: 'read-back', executed: false, evidence: often });
    }
  }

  return createRounds({
    store,
    list,
    dueAt(hold) {
      const probe = probeOf(hold);
      if (!probe) return null;
      const last = looks.get(hold.id);
      return last ? last.at + last.wait : probe.sentAt + FIRST_LOOK;
    },
    see: look,
    clock,
    failed,
  });
}
