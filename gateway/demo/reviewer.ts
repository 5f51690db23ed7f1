import type { CallSummary } from '../domain/call-log.ts';

/** The part of a held call's context package that the demo uses. */
export type PendingHold = {
  readonly hold_id: string;
  readonly revision: number;
  readonly policy: { readonly reasons: readonly string[] };
};

/** The demo's reviewer, who uses the admin API as any script would. */
export type DemoReviewer = {
  /** The oldest pending hold that this has not named yet, if any. */
  nextPending(): Promise<PendingHold | null>;
  /**
   * Approves, unless another reviewer has taken or changed the hold.
   * @throws Error when the gateway refuses for any other reason
   */
  approve(hold: PendingHold, note: string): Promise<'approved' | 'taken' | 'changed'>;
  /** The call with this decision, once the record has it. */
  recorded(decisionId: string): Promise<CallSummary | null>;
};

export function createReviewer(adminUrl: string, token: string): DemoReviewer {
  const authorization = `Bearer ${token}`;
  const named = new Set<string>();
  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`${adminUrl}${path}`, { headers: { authorization } });
    if (!response.ok) throw new Error(`GET ${path} returned ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }
  return {
    async nextPending() {
      const { items } = await get<{ items: { hold_id: string }[] }>('/api/holds?status=pending');
      const next = items.findLast(({ hold_id }) => !named.has(hold_id));
      if (!next) return null;
      named.add(next.hold_id);
      return await get<PendingHold>(`/api/holds/${next.hold_id}`);
    },
    async approve(hold, note) {
      const response = await fetch(`${adminUrl}/api/holds/${hold.hold_id}/approve`, {
        method: 'POST',
        headers: { authorization, 'if-match': `"${hold.revision}"`, 'content-type': 'application/json' },
        body: JSON.stringify({ note }),
      });
      if (response.ok) return 'approved';
      if (response.status === 409 || response.status === 423) return 'taken';
      if (response.status === 412) return 'changed';
      throw new Error(`Approving the call returned ${response.status}: ${await response.text()}`);
    },
    async recorded(decisionId) {
      const { items } = await get<{ items: CallSummary[] }>('/api/calls?limit=20');
      return items.find((call) => call.decision_id === decisionId) ?? null;
    },
  };
}
