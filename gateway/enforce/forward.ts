import { complete, type Completion } from '../domain/completion.ts';
import type { Call } from '../domain/call.ts';
import type { Decision } from '../domain/decision.ts';
import type { Meter } from '../domain/metering.ts';
import type { Reply } from '../domain/reply.ts';
import type { Forwarder } from './forwarder.ts';
import type { Links } from './links/links.ts';
import { refuse } from './refuse.ts';
import type { Messages } from './mcp/messages.ts';
import { sampled } from './sampled-answer.ts';

/**
 * Forwards an allowed call and streams the answer. If the upstream gives none, the call is refused.
 * @throws Problem the reason why the caller lost its permission meanwhile
 */
export function createForward(deps: {
  readonly forwarder: Forwarder;
  readonly meter: Meter;
  readonly links: Links;
  readonly messages: Pick<Messages, 'through'>;
  /** A client of MCP cancels the request that it names so: it does not wait any more. */
  readonly cancelled: (request: string) => void;
}): (call: Call, decision: Decision, reply: Reply) => Promise<Completion> {
  const { forwarder, meter, links, messages, cancelled } = deps;
  return async (call, decision, reply) => {
    const refusal = reply.whyCutOff();
    if (refusal) throw refusal;
    // The system is told too: the request may be under way there.
    if (call.mcp?.cancels !== undefined) cancelled(call.mcp.cancels);
    const request = forwarder.prepare(call, decision);
    const { tunnel } = reply;
    if (tunnel) {
      const { target, headers, upstream } = request;
      const { system, principal } = call;
      const ended = await tunnel({
        agent: principal.agent,
        system,
        upstream: upstream.url,
        connect: upstream.connect,
        target,
        headers,
      });
      return { ...ended, ...(await meter.measure(call, decision.cost, null, { ...ended, problem: null })) };
    }

    const answer = reply.answer(decision.id, 'allow');
    const led = links.through({ agent: call.principal.agent, system: call.system, target: call.target, reply }, answer);
    const sample = meter.sample(call);
    const { mcp } = call;
    const judged = mcp ? messages.through({ ...call, mcp }, led) : led;
    const delivery = await forwarder.send(call.system, request, sampled(judged, sample));
    const { status, bytes, upstreamMs, problem } = delivery;
    // The agent has its answer, so measuring delays the record and nothing else.
    const measurement = meter.measure(call, decision.cost, sample, delivery);
    const { cost, drift } = measurement instanceof Promise ? await measurement : measurement;
    const known = { responseBytes: bytes, upstreamMs, cost, drift, notes: answer.notes };
    // An agent that hung up gets no answer, and its upstream request was aborted. The upstream did not fail.
    if (answer.gone) {
      const cutOff = reply.whyCutOff();
      return cutOff ? complete(status, { code: cutOff.code, ...known }) : complete(0, known);
    }
    // The answer was cut off in the middle. Its head is sent already, so the agent cannot be given a problem.
    if (problem && status > 0) {
      return complete(status, { code: problem.code, cause: problem.cause, ...known });
    }
    if (problem) return { ...refuse(problem, decision, reply), notes: answer.notes };
    return complete(status, known);
  };
}
