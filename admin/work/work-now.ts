import type { CallHold } from '../../gateway/domain/hold.ts';
import { workKey, type InFlight, type WorkKey } from '../../gateway/domain/work.ts';
import { iso } from '../../gateway/domain/time.ts';
import type { AdminDeps } from '../deps.ts';

/** Milliseconds for which one look serves everybody who asks. */
const LOOK = 1_000;
/** Most held calls that are counted. */
const MOST_HELD = 1_000;

/** What agents do now: calls in flight at this gateway, and calls held for people in its store. */
export type WorkNow = {
  /** RFC 3339. */
  readonly at: string;
  readonly items: readonly WorkItemNow[];
  /** What could not be read. */
  readonly missing: readonly ('in-flight' | 'held')[];
  /** Whether there is more than is counted. */
  readonly is_cut: boolean;
};

export type WorkItemNow = WorkKey & {
  readonly in_flight: number;
  /** The longest-running of them, oldest first. */
  readonly calls: readonly { readonly call_id: string; readonly at: string }[];
  readonly held: number;
};

/** Looks at most once a second, however many people watch: so nobody who watches can slow calls down. */
export function createWorkNow(deps: Pick<AdminDeps, 'inFlight' | 'holds' | 'log' | 'clock'>): () => Promise<WorkNow> {
  const { holds, log, clock } = deps;
  let last: { readonly at: number; readonly seen: Promise<WorkNow> } | null = null;

  function unread(err: unknown, message: string): null {
    log.error({ err }, message);
    return null;
  }

  async function look(at: number): Promise<WorkNow> {
    const [inFlight, held] = await Promise.all([
      deps.inFlight().catch((err) => unread(err, 'the calls in flight could not be counted')),
      holds
        .list({ status: 'pending', kind: 'approval', limit: MOST_HELD })
        .catch((err) => unread(err, 'the held calls could not be counted')),
    ]);
    const waiting = held?.items.flatMap((hold) => (hold.kind === 'approval' ? [workOf(hold)] : [])) ?? [];
    return {
      at: iso(at),
      items: together(inFlight?.work ?? [], waiting),
      missing: [...(inFlight?.complete ? [] : (['in-flight'] as const)), ...(held === null ? (['held'] as const) : [])],
      is_cut: (inFlight?.others ?? 0) > 0 || (held !== null && held.next !== null),
    };
  }

  return () => {
    const now = clock();
    if (!last || Math.abs(now - last.at) >= LOOK) last = { at: now, seen: look(now) };
    return last.seen;
  };
}

function workOf({ principal: { owner, agent }, system, operation, onRecord }: CallHold): WorkKey {
  return { owner, agent, system, operation: onRecord?.operation ?? operation };
}

function together(inFlight: InFlight['work'], waiting: readonly WorkKey[]): WorkItemNow[] {
  const items = new Map<string, WorkItemNow>();
  for (const { count, calls, ...key } of inFlight)
    items.set(workKey(key), {
      ...key,
      in_flight: count,
      calls: calls.map(({ id, at }) => ({ call_id: id, at: iso(at) })),
      held: 0,
    });
  for (const key of waiting) {
    const name = workKey(key);
    const known = items.get(name) ?? { ...key, in_flight: 0, calls: [], held: 0 };
    items.set(name, { ...known, held: known.held + 1 });
  }
  return [...items.values()];
}
