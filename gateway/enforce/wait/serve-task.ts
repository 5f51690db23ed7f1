import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from '../../domain/call.ts';
import { complete, type Completion } from '../../domain/completion.ts';
import type { Decision } from '../../domain/decision.ts';
import { assertCall, type CallHold, type Hold } from '../../domain/hold.ts';
import { isRefusal } from '../../domain/hold-command.ts';
import type { HoldContents } from '../../domain/hold-contents.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { isId } from '../../domain/id.ts';
import { Problem } from '../../domain/problem.ts';
import type { HandleState, HeldEnd, Reply } from '../../domain/reply.ts';
import type { System } from '../../domain/system.ts';
import type { TaskEnd } from '../../domain/task-store.ts';
import type { Links } from '../links/links.ts';
import { RUNNING_RETRY_AFTER, type Tasks } from '../mcp/tasks.ts';
import { endOf, isCall } from './held-end.ts';
import { RETRY_AFTER, withHold } from './held-request.ts';
import type { HoldWaiters } from './hold-waiters.ts';
import type { Tellings } from './tellings.ts';

/** Milliseconds between two looks at a call that another process may run. */
const LOOK = 500;

/** How a task stands. `hold` is null for a call that runs without one. */
type Standing = { readonly task: HandleState; readonly ended: HeldEnd | TaskEnd; readonly hold: CallHold | null };

/**
 * Serves what a client of MCP asks about its task: how it stands, its result (2025-11-25), or that it be withdrawn. A task
 * is a hold, or a call that runs. A client's cancellation is a wish: what people have decided stays decided.
 * @throws Problem `not-found` for a task that is not the agent's, or not of the system that it asks
 */
export function createServeTask(deps: {
  readonly holds: Pick<HoldStore, 'find' | 'apply'>;
  readonly contents: Pick<HoldContents, 'response'>;
  readonly tasks: Pick<Tasks, 'find' | 'cancel'>;
  readonly waiters: Pick<HoldWaiters, 'wait' | 'draining'>;
  readonly tellings: Tellings;
  readonly links: Links;
  readonly systems: ReadonlyMap<string, Pick<System, 'wait'>>;
}): (call: Call, decision: Decision, reply: Reply) => Promise<Completion> {
  const { holds, contents, tasks, waiters, tellings, links, systems } = deps;

  async function withdrawn(hold: CallHold): Promise<CallHold> {
    const by = hold.principal.agent;
    const result = await holds.apply(hold.id, { type: 'cancel', by, as: 'agent', channel: 'agent', reason: null });
    return assertCall(isRefusal(result) ? (result.hold ?? hold) : result);
  }

  async function endOfHold(hold: Hold, reply: Reply): Promise<HeldEnd> {
    const end = await endOf(hold, contents);
    if (end === null || !isCall(hold)) return null;
    if (end instanceof Problem) return withHold(end, hold);
    const { principal, system, path } = hold;
    return links.stored({ agent: principal.agent, system, target: path, reply }, end).response;
  }

  async function ownHold({ mcp, principal, system }: Call): Promise<CallHold> {
    const hold = await holds.find(mcp!.task!);
    const isOwn = hold !== null && isCall(hold) && hold.principal.agent === principal.agent && hold.system === system;
    if (!isOwn) throw new Problem('not-found');
    return hold;
  }

  async function standing(call: Call, reply: Reply): Promise<Standing> {
    const { mcp, principal, system } = call;
    const id = mcp!.task!;
    if (isId('hold', id)) {
      const hold = await ownHold(call);
      return { task: hold, ended: await endOfHold(hold, reply), hold };
    }
    const state = await tasks.find(principal.agent, system, id);
    if (!state) throw new Problem('not-found');
    return { task: state.task, ended: state.end, hold: null };
  }

  async function cancel(call: Call, reply: Reply): Promise<Standing> {
    const before = await standing(call, reply);
    if (before.ended !== null) {
      // Of 2025-11-25; the later extension takes it for a wish that came too late.
      if (call.mcp!.era === 'legacy') throw new Problem('task-ended');
      return before;
    }
    if (isId('hold', before.task.id)) {
      const hold = await withdrawn(await ownHold(call));
      return { task: hold, ended: await endOfHold(hold, reply), hold };
    }
    await tasks.cancel(before.task.id);
    return standing(call, reply);
  }

  /** The store tells of changes of a hold; for a call that runs, it is asked. */
  async function nextStep(hold: CallHold | null, timeLeft: number, reply: Reply): Promise<void> {
    if (hold === null) {
      await sleep(LOOK);
      return;
    }
    const caller = { onGone: (leave: () => void) => reply.onClose(leave) };
    await waiters.wait(hold, timeLeft, caller, ({ version }) => version > hold.version);
  }

  /** Waits until the task has ended: as long as the caller listens to a stream, else for the `wait` of the system. */
  async function result(call: Call, decision: Decision, reply: Reply): Promise<Standing> {
    const until = performance.now() + (systems.get(call.system)?.wait ?? 0);
    let now = await standing(call, reply);
    const listens = now.ended === null && reply.waits(decision.id);
    while (now.ended === null && !reply.gone) {
      if (waiters.draining) throw new Problem('draining');
      const timeLeft = listens ? Infinity : until - performance.now();
      if (timeLeft <= 0) throw new Problem('approval-pending');
      await nextStep(now.hold, timeLeft, reply);
      now = await standing(call, reply);
    }
    return now;
  }

  return async (call, decision, reply) => {
    const method = call.mcp?.method;
    const { task, ended, hold } =
      method === 'tasks/cancel'
        ? await cancel(call, reply)
        : method === 'tasks/result'
          ? await result(call, decision, reply)
          : await standing(call, reply);
    const isHold = isId('hold', task.id);
    const isTold = method === 'tasks/result' || (method === 'tasks/get' && call.mcp?.era === 'modern');
    if (hold && ended !== null && isTold) tellings.follow(await tellings.begin(hold), reply);
    reply.task(decision.id, task, ended, isHold ? RETRY_AFTER : RUNNING_RETRY_AFTER);
    return complete(200, isHold ? { holdId: task.id } : {});
  };
}
