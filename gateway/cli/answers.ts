/** The parts of the admin API's answers that the commands print. */
export type ListedHold = {
  readonly hold_id: string;
  readonly status: string;
  readonly execution: string;
  readonly kind: string;
  readonly level: number;
  readonly created_at: string;
  readonly expires_at: string;
  readonly overdue: boolean;
  readonly agent: { readonly id: string; readonly owner: string };
  readonly action: { readonly system: string; readonly operation: string } | null;
  readonly policy: { readonly reason: string };
  readonly routing: {
    readonly demands: readonly Demand[];
    readonly lease: { readonly by: string; readonly until: string } | null;
    readonly assignee: string | null;
  };
};

export type Demand = { readonly groups: readonly string[]; readonly quorum: number; readonly approvals: number };

export type ShownHold = Omit<ListedHold, 'action' | 'policy'> & {
  readonly revision: number;
  readonly decided: {
    readonly by: string | null;
    readonly at: string;
    readonly code: string | null;
    readonly note: string | null;
  } | null;
  readonly action: {
    readonly method: string;
    readonly url: string;
    readonly summary: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly hidden_headers: readonly string[];
    readonly body_text: string | null;
    readonly body_bytes: number;
    readonly missing: string | null;
  } | null;
  readonly diff: { readonly proposed: unknown; readonly edited_by: readonly string[] } | null;
  readonly policy: { readonly rules: readonly string[]; readonly reasons: readonly string[] };
  readonly claims: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly { readonly name: string; readonly bytes: number }[];
  readonly notes: readonly { readonly by: string; readonly at: string; readonly text: string }[];
  readonly consequence: string;
  readonly you_may: { readonly approve: boolean; readonly why: string | null };
};
