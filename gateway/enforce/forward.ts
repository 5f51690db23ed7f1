import type { Meter } from '../domain/metering.ts';
import { unload, type Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import type { Completion, Exchange } from '../domain/exchange.ts';
import { AgentAnswer } from './reply/agent-answer.ts';
import type { Attend } from './wait/serve-held-call.ts';
import { complete } from './completion.ts';
import type { Forwarder } from './forwarder.ts';
import { sampled } from './sampled-answer.ts';
import type { Twins } from './open-call-index.ts';

/**
 * Forwards an allowed call and streams the answer. Where the same call waits at a hold since policy asked people, that is
 * given up first, or one call would be sent twice; and where it has been sent already, the caller gets that one's answer.
 * @throws Problem `upstream-*` or `overloaded` when the system gave no answer to stream
 */
export function createForward(deps: {
  readonly forwarder: Forwarder;
  readonly twins: Twins;
  readonly attend: Attend;
  readonly meter: Meter;
}): (call: Call, decision: Decision, exchange: Exchange) => Promise<Completion> {
  const { forwarder, twins, attend, meter } = deps;
  return async (call, decision, exchange) => {
    const twin = twins.of(call);
    const sent = twin === null ? null : await twins.giveUp(twin, call, decision);
    if (sent) {
      unload(call);
      return attend(sent, decision.id, exchange, performance.now());
    }

    const { response, tunnel } = exchange;
    const request = forwarder.prepare(call, decision);
    if (tunnel) {
      const { target, headers } = request;
      const ended = await tunnel({ agent: call.principal.agent, system: call.system, target, headers });
      return { ...ended, ...(await meter.measure(call, decision.cost, null, { ...ended, problem: null })) };
    }

    const answer = new AgentAnswer(response, decision.id, 'allow');
    const sample = meter.sample(call);
    const delivery = await forwarder.send(call.system, request, sampled(answer, sample));
    const { status, bytes, upstreamMs, problem } = delivery;
    // The agent has its answer: what this takes delays the record and nothing else.
    const measurement = meter.measure(call, decision.cost, sample, delivery);
    const { cost, drift } = measurement instanceof Promise ? await measurement : measurement;
    const known = { responseBytes: bytes, upstreamMs, cost, drift };
    // An agent that hung up gets no answer, and its upstream request was aborted: that is no failure of the system.
    if (answer.gone) return complete(0, known);
    // Cut off in the middle, and the agent's answer with it: there is nothing left to tell it.
    if (problem && status > 0) {
      return complete(status, { code: problem.code, cause: problem.cause, ...known });
    }
    if (problem) throw problem;
    return complete(status, known);
  };
}
