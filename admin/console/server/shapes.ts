import type { z } from 'zod';
import type * as holds from '../../api/hold-schemas.ts';
import type { Decision } from '../../../gateway/domain/decision.ts';
import type { callPage, callStory, evaluation, group, ownNumbers, policyStatus, ruleHits } from '../../api/schemas.ts';

// What the admin API answers, as its own schemas say. Types alone: no schema gets into the script.
export type { BatchResult, HoldNumbers, HoldSummary, Preview } from '../../api/hold-schemas.ts';
export type { ContextPackage as HoldPackage } from '../../api/hold-schemas.ts';
export type { Coverage } from '../../coverage/coverage-route.ts';
export type { Delivery } from '../../routes/notification-routes.ts';
export type { Preferences } from '../../routes/preference-routes.ts';
export type { Report, ReportHeader } from '../../routes/report-routes.ts';
export type { Agent, System } from '../../routes/suspension-routes.ts';
export type { StopState } from '../../routes/stop-routes.ts';
export type { WorkNow } from '../../work/work-now.ts';
export type { Work } from '../../work/work-route.ts';
export type { SessionItem, SignedIn } from '../../api/session-schemas.ts';
export type HoldTimeline = z.output<typeof holds.timeline>;
export type Presence = z.output<typeof holds.presence>;
export type GroupPage = { readonly items: readonly z.output<typeof group>[] };
export type CallPage = z.output<typeof callPage>;
export type CallSummary = CallPage['items'][number];
export type CallStory = z.output<typeof callStory>;
export type PolicyStatus = z.output<typeof policyStatus>;
export type RuleHits = z.output<typeof ruleHits>;
export type Evaluation = Omit<z.output<typeof evaluation>, 'decision'> & { readonly decision: Decision };
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
