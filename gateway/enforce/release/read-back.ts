import type { Clock } from '../../domain/clock.ts';
import type { CallHold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { ReadBack, System } from '../../domain/system.ts';
import { iso } from '../../domain/time.ts';
import { DISCARDED_ANSWER } from '../discarded-answer.ts';
import type { Forwarder } from '../forwarder.ts';
import { createHoldPoller, type HoldPoller } from './hold-poller.ts';

const FIRST_LOOK = 5_000;
const LONGEST_WAIT = 10 * 60_000;
/** Milliseconds for which an absence proves nothing: the system may still be processing the call. */
const SETTLED_AFTER = 60_000;
/** Absences in a row that prove that the call was not executed. */
const ABSENCES = 2;

const KEY = '{idempotency_key}';
const PATH = '{path}';
/** Characters that end, leave or rewrite a path segment at some server, encoded or not. */
const LEAVES_SEGMENT = /[/\\;%]|[^ -~\u00a0-\u00ff]/;
const UNREADABLE =
  'its Idempotency-Key would change the path of read_back, so the system was not asked; find out another way';

type Probe = { readonly readBack: ReadBack; readonly key: string; readonly path: string; readonly sentAt: number };

/** The looks at one hold so far. */
type Looks = { readonly at: number; readonly wait: number; readonly absences: number };

/**
 * Reads calls of unknown outcome back from systems with `read_back`, to learn whether they were executed. An answer
 * that proves nothing is followed by another look, at growing intervals. Looks are kept in memory: a restart begins
 * anew.
 */
export function createReadBacks(options: {
  readonly holds: Pick<HoldStore, 'watch' | 'indeterminate' | 'apply'>;
  readonly forwarder: Pick<Forwarder, 'prepare' | 'send'>;
  readonly systems: ReadonlyMap<string, Pick<System, 'readBack'>>;
  readonly clock: Clock;
  readonly failed: Parameters<typeof createHoldPoller>[0]['failed'];
}): HoldPoller {
  const { holds, forwarder, systems, clock, failed } = options;
  const looks = new Map<string, Looks>();
  /** Holds of which people were told that they cannot be read back. */
  const left = new Set<string>();

  function probeOf({ id, execution, resendAt, system, operation, path, attempt }: CallHold): Probe | null {
    if (left.has(id)) return null;
    const readBack = systems
      .get(system)
      ?.readBack?.find(({ operations }) => operations === undefined || operations.includes(operation));
    return readBack && attempt && execution === 'indeterminate' && resendAt === null
      ? { readBack, key: attempt.key, path, sentAt: attempt.at }
      : null;
  }

  async function list(): Promise<CallHold[]> {
    const unknown = await holds.indeterminate();
    const open = new Set(unknown.map(({ id }) => id));
    for (const id of looks.keys()) if (!open.has(id)) looks.delete(id);
    for (const id of left) if (!open.has(id)) left.delete(id);
    return unknown;
  }

  async function look(hold: CallHold): Promise<void> {
    const probe = probeOf(hold);
    if (!probe) return;
    const { executed, notExecuted, path } = probe.readBack;
    const target = targetOf(path, probe);
    if (target === null) {
      await holds.apply(hold.id, { type: 'leave-to-people', reason: UNREADABLE });
      left.add(hold.id);
      return;
    }
    const body = Buffer.alloc(0);
    const { system } = hold;
    const call = { system, operation: `GET ${path}`, method: 'GET', target, headers: [], body };
    const request = forwarder.prepare(call, { obligations: [] });
    const { status } = await forwarder.send(system, request, DISCARDED_ANSWER);

    const at = clock();
    const before = looks.get(hold.id) ?? { at, wait: FIRST_LOOK / 2, absences: 0 };
    const isAbsent = notExecuted.includes(status) && at - probe.sentAt >= SETTLED_AFTER;
    const absences = isAbsent ? before.absences + 1 : 0;
    looks.set(hold.id, { at, wait: Math.min(before.wait * 2, LONGEST_WAIT), absences });

    const evidence = `GET ${target} answered ${status} at ${iso(at)}`;
    if (executed.includes(status)) await holds.apply(hold.id, { type: 'read-back', executed: true, evidence });
    else if (absences >= ABSENCES) {
      const often = `${evidence}, ${absences} times in a row`;
      await holds.apply(hold.id, { type: 'read-back', executed: false, evidence: often });
    }
  }

  return createHoldPoller({
    holds,
    list,
    dueAt(hold) {
      const probe = probeOf(hold);
      if (!probe) return null;
      const last = looks.get(hold.id);
      return last ? last.at + last.wait : probe.sentAt + FIRST_LOOK;
    },
    processHold: look,
    clock,
    failed,
  });
}

/**
 * Where to look. The agent chose the key: it is percent-encoded, and in the path only part of one segment. Null where a
 * server could read another path: a probe of another path would confirm an execution that never was. The path of the
 * call is the one that reviewers approved.
 */
function targetOf(template: string, { key, path: own }: Pick<Probe, 'key' | 'path'>): string | null {
  const [path = ''] = template.split('?', 1);
  const target = template.replaceAll(KEY, encodeURIComponent(key)).replaceAll(PATH, () => own);
  if (!path.includes(KEY)) return target;
  const segments = path.replaceAll(KEY, key).split('/');
  const isAnother = key === '' || LEAVES_SEGMENT.test(key) || segments.some((name) => name === '.' || name === '..');
  return isAnother ? null : target;
}
