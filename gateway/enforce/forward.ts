import { unload, type Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import type { Completion, Exchange } from '../domain/exchange.ts';
import { AgentAnswer } from './agent-answer.ts';
import type { Attend } from './attend.ts';
import { complete } from './completion.ts';
import type { Forwarder } from './forwarder.ts';
import type { Twins } from './twins.ts';

/**
 * Forwards an allowed call and streams the answer. Where the same call waits at a hold since policy asked people, that is
 * given up first, or one call would be sent twice; and where it has been sent already, the caller gets that one's answer.
 * @throws Problem `upstream-*` or `overloaded` when the system gave no answer to stream
 */
export function createForward(deps: {
  readonly forwarder: Forwarder;
  readonly twins: Twins;
  readonly attend: Attend;
}): (call: Call, decision: Decision, exchange: Exchange) => Promise<Completion> {
  const { forwarder, twins, attend } = deps;
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
      return tunnel({ agent: call.principal.agent, system: call.system, target, headers });
    }

    const answer = new AgentAnswer(response, decision.id, 'allow');
    const { status, bytes, upstreamMs, problem } = await forwarder.send(call.system, request, answer);
    // An agent that hung up gets no answer, and its upstream request was aborted: that is no failure of the system.
    if (answer.gone) return complete(0, { responseBytes: bytes, upstreamMs });
    // Cut off in the middle, and the agent's answer with it: there is nothing left to tell it.
    if (problem && status > 0) {
      return complete(status, { code: problem.code, cause: problem.cause, responseBytes: bytes, upstreamMs });
    }
    if (problem) throw problem;
    return complete(status, { responseBytes: bytes, upstreamMs });
  };
}
