import type { Agent } from './agents.ts';
import type { Operation } from './operations.ts';

export type Claims = {
  readonly session: string;
  readonly task: string | null;
  readonly confidence: number | null;
};

export type Input = {
  readonly at: number;
  readonly agent: Agent;
  readonly operation: Operation;
  readonly path: string;
  readonly id: string | null;
  readonly claims: Claims;
  /** Different in most calls; what the body says follows from it. */
  readonly n: number;
};

const ADDRESSES = Array.from({ length: 64 }, (_, n) => `10.4.${n >> 4}.${10 + n}`);

/**
 * What policy judged, masked, as the gateway records it. Put together as text, because a year has millions of them; no
 * value in it needs escaping.
 */
export function inputText({ at, agent, operation, path, id, claims, n }: Input): string {
  const { session, task, confidence } = claims;
  const body = operation.body?.(n);
  const list = (items: readonly string[]) => items.map((item) => `"${item}"`).join(',');
  return (
    `{"principal":{"agent":"${agent.id}","owner":"${agent.owner}","roles":[${list(agent.roles)}],` +
    `"on_behalf_of":[${list(agent.onBehalfOf)}],"session":"${session}"},` +
    `"action":{"system":"${operation.system}","operation":"${operation.name}","method":"${operation.method}",` +
    `"path":"${path}","segments":[${list(path.slice(1).split('/'))}],"query":{${body === undefined && id === null ? `"limit":"${10 + (n % 90)}"` : ''}},` +
    `"headers":{"accept":"application/json"${body === undefined ? '' : ',"content-type":"application/json"'},"user-agent":"${agent.team}-agents/${1 + (n % 3)}.4"},` +
    `"protocol":"http","body_bytes":${body?.length ?? 0}${body === undefined ? '' : `,"body":${body}`}},` +
    `"resource":{"type":"${operation.resource}","id":${id === null ? 'null' : `"${id}"`}},` +
    `"context":{"time":"${new Date(at).toISOString()}","ip":"${ADDRESSES[n % 64]}","flags":[]` +
    `${task === null ? '' : `,"task":"${task}"`}${confidence === null ? '' : `,"confidence":${confidence}`},"claims":{}}}`
  );
}
