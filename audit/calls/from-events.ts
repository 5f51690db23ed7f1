import type { CallFilter, CallSummary } from '../../gateway/domain/call-log.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { iso } from '../../gateway/domain/time.ts';

/** The steps of calls, put together as the record would show them, newest first. Without its decision a call is none. */
export function callsOf(events: readonly Event[], filter: CallFilter): CallSummary[] {
  const byCall = Map.groupBy(
    events.filter(({ call_id }) => call_id),
    ({ call_id }) => call_id!,
  );
  return [...byCall.values()]
    .flatMap((steps) => {
      const call = summaryOf(steps);
      return call && fits(call, steps, filter) ? [call] : [];
    })
    .sort((a, b) => (a.call_id < b.call_id ? 1 : -1));
}

/** One call from its steps; null while its decision is not among them. */
export function summaryOf(steps: readonly Event[]): CallSummary | null {
  const decided = steps.find(({ type }) => type === 'call.decided');
  if (!decided) return null;
  const completed = steps.find(({ type }) => type === 'call.completed');
  // A released hold may be executed when its caller has left: then the system's answer is how the call ended.
  const executed = steps.find(({ type }) => type === 'hold.executed');
  const costing = steps.find(({ cost }) => cost !== undefined);
  return {
    call_id: decided.call_id ?? '',
    at: iso(decided.at),
    agent: decided.agent ?? '',
    owner: decided.owner ?? '',
    on_behalf_of: decided.on_behalf_of ?? [],
    session: decided.session ?? '',
    task: decided.task ?? '',
    system: decided.system ?? '',
    operation: decided.operation ?? '',
    method: decided.method ?? '',
    path: decided.path ?? '',
    resource: decided.resource ?? '',
    verdict: decided.verdict ?? '',
    rules: decided.rules ?? [],
    trigger: decided.trigger ?? '',
    reason: decided.reason ?? '',
    policy_revision: decided.policy_revision ?? '',
    decision_id: decided.decision_id ?? '',
    hold_id: steps.find(({ hold_id }) => hold_id)?.hold_id ?? null,
    status: executed?.status ?? (completed ? (completed.status ?? 0) : null),
    code: executed ? '' : (completed?.code ?? ''),
    failure: steps.map(({ failure }) => failure ?? '').reduce((a, b) => (a > b ? a : b)),
    took_ms: completed?.took_ms ?? 0,
    cost: costing?.cost ?? 0,
    cost_unit: costing?.cost_unit ?? '',
    trace_id: decided.trace_id ?? '',
  };
}

function fits(call: CallSummary, steps: readonly Event[], filter: CallFilter): boolean {
  const { on_behalf_of, path, rule, from, to, text, node, ...same } = filter;
  const at = Date.parse(call.at);
  return (
    Object.entries(same).every(([name, value]) => value === undefined || call[name as keyof typeof same] === value) &&
    (on_behalf_of === undefined || call.on_behalf_of.includes(on_behalf_of)) &&
    (path === undefined || call.path.startsWith(path)) &&
    (rule === undefined || call.rules.includes(rule)) &&
    (from === undefined || at >= from) &&
    (to === undefined || at < to) &&
    (node === undefined || steps.some((step) => step.node === node)) &&
    (text === undefined || steps.some(({ reason }) => reason?.toLowerCase().includes(text.toLowerCase())))
  );
}
