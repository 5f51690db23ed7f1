import { useQueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import {
  batchKey,
  heard,
  holdQuery,
  refreshHold,
  summaryOf,
  timelineQuery,
  type HoldPackage,
  type HoldSummary,
} from '../server/holds.ts';
import { createOutbox, type Outbox, type Sent } from './outbox.ts';

const OutboxContext = createContext<Outbox | null>(null);

/** Makes the outbox, and has what comes back shown everywhere. */
export function OutboxProvider({ children }: { readonly children: ReactNode }) {
  const cache = useQueryClient();
  const [outbox] = useState(() =>
    createOutbox({
      done({ holdIds }, answer) {
        const [id, another] = holdIds;
        if (id === undefined || another !== undefined) {
          cache.setQueryData(batchKey(holdIds), answer);
          return void cache.invalidateQueries({ queryKey: ['holds'] });
        }
        const hold = answer as HoldPackage;
        // The answer comes without the history, which the page has already.
        cache.setQueryData(holdQuery(id).queryKey, (known) => ({ ...hold, history: known?.history ?? hold.history }));
        heard(cache, summaryIn(hold, summaryOf(cache, id)?.shape ?? null));
        void cache.invalidateQueries({ queryKey: timelineQuery(id).queryKey });
      },
      failed({ holdIds }) {
        for (const id of holdIds) void refreshHold(cache, id);
      },
    }),
  );
  useEffect(() => {
    addEventListener('pagehide', outbox.flush);
    return () => removeEventListener('pagehide', outbox.flush);
  }, [outbox]);
  return <OutboxContext value={outbox}>{children}</OutboxContext>;
}

export function useOutbox(): Outbox {
  const outbox = use(OutboxContext);
  if (!outbox) throw new Error('There is no OutboxProvider above');
  return outbox;
}

/** Decisions on their way, and those that just arrived or failed. */
export function useSent(): readonly Sent[] {
  const { subscribe, all } = useOutbox();
  return useSyncExternalStore(subscribe, all);
}

/** The decision on this hold that is on its way; undefined when there is none. */
export function useSentOn(holdId: string): Sent | undefined {
  return useSent().find(
    ({ holdIds, state }) => holdIds.includes(holdId) && (state === 'waiting' || state === 'sending'),
  );
}

/** The queue's view of a hold; its shape is the list's to tell. */
function summaryIn({ action, policy, claims, risk, agent, ...hold }: HoldPackage, shape: string | null): HoldSummary {
  return {
    ...hold,
    shape,
    agent: { id: agent.id, owner: agent.owner },
    action: action && { system: action.system, operation: action.operation, method: action.method, path: action.url },
    policy: { rules: policy.rules, reason: policy.reasons[0] ?? '', trigger: policy.trigger },
    claims: { task: textOf(claims['task']), confidence: risk.confidence, flags: risk.flags },
  };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : null);
