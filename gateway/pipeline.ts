import type { createDescribe } from './describe/describe.ts';
import type { Decision } from './domain/decision.ts';
import type { Completion } from './domain/completion.ts';
import type { Caller, DescribedCall, Exchange } from './domain/exchange.ts';
import type { createForward } from './enforce/forward.ts';
import type { createHoldPoint } from './enforce/hold.ts';
import type { createOpenCallIndex } from './enforce/open-call-index.ts';
import type { block, refuse } from './enforce/refuse.ts';
import type { createServeHeldCall } from './enforce/wait/serve-held-call.ts';
import type { createServeTask } from './enforce/wait/serve-task.ts';
import type { createAuthorize } from './identify/authorize.ts';
import type { createIdentify } from './identify/identify.ts';
import type { Usage } from './metering/usage.ts';
import type { createRecorder } from './record/recorder.ts';

/** The stages of a call's path. A stage refuses a call by throwing a Problem. No stage decides which one comes next. */
export type Stages = {
  readonly identify: ReturnType<typeof createIdentify>;
  readonly authorize: ReturnType<typeof createAuthorize>;
  readonly describe: ReturnType<typeof createDescribe>;
  readonly decide: Usage['judge'];
  readonly record: ReturnType<typeof createRecorder>;
  readonly supersedeOpenHold: ReturnType<typeof createOpenCallIndex>['supersede'];
  readonly forward: ReturnType<typeof createForward>;
  readonly hold: ReturnType<typeof createHoldPoint>;
  readonly serveHeldCall: ReturnType<typeof createServeHeldCall>;
  readonly serveTask: ReturnType<typeof createServeTask>;
  readonly block: typeof block;
  readonly refuse: typeof refuse;
};

/**
 * THE PATH OF ONE CALL. Nothing outside this file chooses what happens to a call.
 *
 * A stage that throws refuses the call: no path leads past a failed stage.
 */
export async function serve(stages: Stages, exchange: Exchange): Promise<void> {
  let caller: Caller | null = null;
  try {
    caller = await stages.identify(exchange);
    exchange.caller = caller;
    stages.authorize(caller);
    exchange.calls = await stages.describe(exchange, caller);
  } catch (reason) {
    const completion = stages.refuse(exchange.reply.whyCutOff() ?? reason, null, exchange.reply);
    stages.record.refused(exchange, caller, completion);
    return;
  }
  // An exchange may carry several calls, such as a JSON-RPC batch. Each is judged, recorded and answered by itself.
  const { calls } = exchange;
  const [first] = calls;
  // Returned, not awaited: thousands of callers may wait for reviewers, and each would keep this frame.
  if (calls.length === 1 && first) return serveCall(stages, first);
  await Promise.all(calls.map((each) => serveCall(stages, each)));
}

async function serveCall(stages: Stages, { call, reply }: DescribedCall): Promise<void> {
  let decision: Decision | null = null;
  let completion: Completion;
  try {
    const decided = stages.decide(call);
    // Only a decision on a budget is waited for: it is made while no other process decides on one.
    decision = decided instanceof Promise ? await decided : decided;
    await stages.record.decided(call, decision);
    switch (decision.verdict) {
      case 'allow': {
        // It is about a hold, and goes to no system.
        if (call.mcp?.task !== undefined) {
          completion = await stages.serveTask(call, decision, reply);
          break;
        }
        // The same call may already wait at a hold, from before policy allowed it. It must not be sent twice.
        const alreadySent = await stages.supersedeOpenHold(call, decision);
        completion = alreadySent
          ? await stages.serveHeldCall(alreadySent, decision, reply)
          : await stages.forward(call, decision, reply);
        break;
      }
      case 'hold': {
        const held = await stages.hold(call, decision, reply);
        completion = await stages.serveHeldCall(held, decision, reply);
        break;
      }
      case 'block':
        completion = stages.block(decision, reply);
        break;
    }
  } catch (reason) {
    completion = stages.refuse(reason, decision, reply);
  }
  stages.record.completed(call, decision, completion);
}
