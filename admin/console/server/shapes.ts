import type { z } from 'zod';
import type * as holds from '../../api/hold-schemas.ts';
import type { ownNumbers } from '../../api/schemas.ts';

// What the admin API answers, as its own schemas say. Types alone: no schema gets into the script.
export type { BatchResult, HoldNumbers, HoldSummary, Preview } from '../../api/hold-schemas.ts';
export type { ContextPackage as HoldPackage } from '../../api/hold-schemas.ts';
export type { SessionItem, SignedIn } from '../../api/session-schemas.ts';
export type HoldTimeline = z.output<typeof holds.timeline>;
export type Presence = z.output<typeof holds.presence>;
export type MyNumbers = z.output<typeof ownNumbers>;

/** The part of JSON Schema (2020-12) that a form is made of. */
export type JsonSchema = {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
};

/** `GET /api/me/preferences`: when and how mail reaches a person. */
export type Preferences = {
  readonly quiet_hours: { readonly from: string; readonly to: string; readonly time_zone: string } | null;
  readonly digest: 'hourly' | 'daily' | null;
  readonly mail: 'always' | 'if-unanswered' | 'never';
};
