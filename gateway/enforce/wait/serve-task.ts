import type { Call } from '../../domain/call.ts';
import { complete, type Completion } from '../../domain/completion.ts';
import type { Decision } from '../../domain/decision.ts';
import type { Hold } from '../../domain/hold.ts';
import { isRefusal } from '../../domain/hold-command.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { Problem } from '../../domain/problem.ts';
import type { HeldEnd, Reply } from '../../domain/reply.ts';
import type { Links } from '../links/links.ts';
import { endOf, isCall } from './held-end.ts';
import { RETRY_AFTER, withHold } from './held-request.ts';

/**
 * Serves what a client of MCP asks about the task that stands for its hold (2026-07-28, extension tasks): how it stands,
 * or that it be withdrawn. A client's cancellation is a wish: what people have decided stays decided.
 * @throws Problem `not-found` for a task that is not the agent's, or not of the system that it asks
 */
export function createServeTask(deps: {
  readonly holds: Pick<HoldStore, 'find' | 'apply'>;
  readonly contents: Pick<HoldContents, 'response'>;
  readonly links: Links;
}): (call: Call, decision: Decision, reply: Reply) => Promise<Completion> {
  const { holds, contents, links } = deps;

  async function withdrawn(hold: Hold): Promise<Hold> {
    const by = hold.principal.agent;
    const result = await holds.apply(hold.id, { type: 'cancel', by, as: 'agent', channel: 'agent', reason: null });
    return isRefusal(result) ? (result.hold ?? hold) : result;
  }

  async function ended(hold: Hold, reply: Reply): Promise<HeldEnd> {
    const end = await endOf(hold, contents);
    if (end === null || !isCall(hold)) return null;
    if (end instanceof Problem) return withHold(end, hold);
    const { principal, system, path } = hold;
    return links.stored({ agent: principal.agent, system, target: path, reply }, end).response;
  }

  return async ({ mcp, principal, system }, decision, reply) => {
    const hold = mcp?.task === undefined ? null : await holds.find(mcp.task);
    const isOwn = hold !== null && isCall(hold) && hold.principal.agent === principal.agent && hold.system === system;
    if (!isOwn) throw new Problem('not-found');
    const latest = mcp?.method === 'tasks/cancel' ? await withdrawn(hold) : hold;
    reply.task(decision.id, latest, await ended(latest, reply), RETRY_AFTER);
    return complete(200, { holdId: hold.id });
  };
}
