import type { Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import type { Completion, Exchange } from '../domain/exchange.ts';
import { AgentAnswer } from './agent-answer.ts';
import { complete } from './completion.ts';
import type { Forwarder } from './forwarder.ts';

/**
 * Forwards an allowed call and streams the answer.
 * @throws Problem `upstream-*` or `overloaded` when the system gave no answer to stream
 */
export function createForward(
  forwarder: Forwarder,
): (call: Call, decision: Decision, exchange: Exchange) => Promise<Completion> {
  return async (call, decision, { response, tunnel }) => {
    const request = forwarder.prepare(call, decision);
    if (tunnel) return tunnel({ system: call.system, target: request.target, headers: request.headers });

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
