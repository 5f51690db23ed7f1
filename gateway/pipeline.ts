import type { Call } from './domain/call.ts';
import type { Decision } from './domain/decision.ts';
import type { Caller, Completion, Exchange } from './domain/exchange.ts';
import type { Recorder } from './record/recorder.ts';

/** The stages of a call's path. Each refuses by throwing a Problem; none decides what comes next. */
export type Stages = {
  readonly identify: (exchange: Exchange) => Caller;
  readonly describe: (exchange: Exchange, caller: Caller) => Promise<Call>;
  readonly decide: (call: Call) => Decision;
  readonly record: Recorder;
  readonly forward: (call: Call, decision: Decision, exchange: Exchange) => Promise<Completion>;
  readonly hold: (call: Call, decision: Decision, exchange: Exchange) => Promise<Completion>;
  readonly block: (call: Call, decision: Decision, exchange: Exchange) => Completion;
  readonly refuse: (reason: unknown, decision: Decision | null, exchange: Exchange) => Completion;
};

/**
 * THE PATH OF ONE CALL. Nothing outside this function chooses what happens to a call.
 *
 * What throws, refuses: there is no way past a stage that failed.
 */
export async function serve(stages: Stages, exchange: Exchange): Promise<void> {
  let caller: Caller | null = null;
  let call: Call | null = null;
  let decision: Decision | null = null;
  let completion: Completion;
  try {
    caller = stages.identify(exchange);
    call = await stages.describe(exchange, caller);
    decision = stages.decide(call);
    await stages.record.decided(call, decision);
    switch (decision.verdict) {
      case 'allow':
        completion = await stages.forward(call, decision, exchange);
        break;
      case 'hold':
        completion = await stages.hold(call, decision, exchange);
        break;
      case 'block':
        completion = stages.block(call, decision, exchange);
        break;
    }
  } catch (reason) {
    completion = stages.refuse(reason, decision, exchange);
  }
  stages.record.completed(exchange, caller, call, decision, completion);
}
