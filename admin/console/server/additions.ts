// Shapes of routes that land together with the console. Once their schemas are in `admin/api`, these lines are imports.

/** What policy would say of an edit: `POST /api/holds/:id/preview`. */
export type Preview = {
  readonly verdict: 'allow' | 'hold' | 'block';
  readonly rules: readonly string[];
  readonly reasons: readonly string[];
  readonly body: unknown;
  readonly diff: readonly { readonly pointer: string; readonly from: unknown; readonly to: unknown }[];
  readonly consequence: string;
  readonly somebody_else: boolean;
  readonly problem: { readonly code: string; readonly detail: string } | null;
};

/** `POST /api/holds/batch`. */
export type BatchResult = {
  readonly items: readonly {
    readonly hold_id: string;
    readonly done: boolean;
    readonly problem: { readonly code: string; readonly detail: string } | null;
  }[];
};

/** `GET /api/holds/:id/numbers`. */
export type HoldNumbers = {
  readonly similar: {
    readonly decided: number;
    readonly unchanged: number;
    readonly last: readonly {
      readonly hold_id: string;
      readonly at: string;
      readonly by: string | null;
      readonly amount: string | number | null;
      readonly took_ms: number | null;
      readonly result: string;
    }[];
    readonly note?: string | null;
  } | null;
  readonly agent: { readonly decisions: number; readonly unchanged_rate: number | null } | null;
  readonly rule: { readonly rule: string; readonly hits_30d: number; readonly approved_rate: number | null } | null;
  readonly unavailable: string | null;
};

/** `GET /api/holds/:id/timeline`. */
export type HoldTimeline = {
  readonly items: readonly {
    readonly at: string;
    readonly type: string;
    readonly by: string | null;
    readonly text: string;
    readonly channel: string | null;
  }[];
};

/** `POST /api/holds/:id/presence`. */
export type Presence = {
  readonly others: readonly { readonly reviewer: string; readonly since: string; readonly editing: boolean }[];
};

/** `form` of a hold: JSON Schemas of the editable places, by JSON pointer. */
export type HoldForm = {
  readonly source: 'openapi' | 'tool' | 'editable';
  readonly schema: Readonly<Record<string, JsonSchema>>;
};

/** The part of JSON Schema that a form is made of. */
export type JsonSchema = {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
};

/** `GET /api/me/numbers`. */
export type MyNumbers = {
  readonly median_seconds: number | null;
  readonly unchanged_rate: number | null;
  readonly under_five_seconds: number;
  readonly decisions: number;
};

/** One of `GET /api/sessions`. */
export type SessionItem = {
  readonly session_id: string;
  readonly reviewer: string;
  readonly created_at: string;
  readonly last_seen_at: string;
  readonly expires_at: string;
  readonly user_agent: string | null;
  readonly address: string | null;
  readonly current: boolean;
};

/** `GET /api/me/preferences`. */
export type Preferences = {
  readonly quiet_hours: { readonly from: string; readonly to: string; readonly time_zone: string } | null;
  readonly digest: 'hourly' | 'daily' | null;
  readonly mail: 'always' | 'if-unanswered' | 'never';
};
