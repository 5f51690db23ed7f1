import { NO_CLAIMS, type Call } from '../../domain/call.ts';
import type { CallHold, HeldCall } from '../../domain/hold.ts';
import type { System } from '../../domain/system.ts';
import { isMcpRequest } from '../../mcp/endpoint.ts';
import type { Decision } from '../../domain/decision.ts';
import { NO_RULE } from '../../domain/decision.ts';
import { createId } from '../../domain/id.ts';
import { inputText } from '../../domain/call-input.ts';
import { mcpOf, withMcp } from '../../domain/policy-input.ts';
import { headerValue } from '../../domain/headers.ts';
import type { UpstreamSink } from '../../domain/upstream-sink.ts';
import { parseSpans } from '../../json/text.ts';
import { validateJson } from '../../json/validate.ts';
import { PASS_PREFIX, type Passes } from '../../domain/pass.ts';
import { REVISION_HEADER, REVISION_WITH_TASKS, STREAM, SUBSCRIPTION_KEY } from '../../mcp/protocol.ts';
import { sealSession } from '../../mcp/session.ts';
import type { Clock } from '../../domain/clock.ts';
import { nameMessage } from '../../mcp/naming.ts';
import { MessageReader, type MessageRules } from './message-reader.ts';
import { offerTasks } from './offer-tasks.ts';
import { changeList, type ListRules } from './tool-list.ts';

/** A call of MCP, or what the store has of one. */
export type Asking = Pick<
  Call,
  'principal' | 'system' | 'target' | 'path' | 'method' | 'headers' | 'claims' | 'traceId' | 'input'
> & { readonly mcp: NonNullable<Call['mcp']> };

export type Messages = {
  /** Judges the messages in the answer to a call. */
  through(call: Asking, answer: UpstreamSink): UpstreamSink;
  /** Policy has changed: clients that listen are told to read the list of tools again. */
  listsChanged(): void;
};

/**
 * Judges what a server sends: its requests to the client (sampling, elicitation, roots), which pass unless a rule blocks
 * them, and its lists of tools, from which those that a rule blocks are cut.
 */
export function createMessages(deps: {
  readonly decide: (input: string) => Decision;
  /** Records what a server asked, and whether it passed. */
  readonly asked: (call: Call, decision: Decision) => void;
  /** Tells the server that its request was refused. @param id JSON text */
  readonly refuse: (call: Asking, id: string) => void;
  /** Whether a rule of the policy in force names a tool among those that it holds; null stands for any tool of the system. */
  readonly mayHold: (system: string, tool: string | null) => boolean;
  /** A server listed these tools, as JSON texts. */
  readonly listed: (system: string, tools: readonly string[]) => void;
  readonly passes: Pick<Passes, 'issue'>;
  readonly clock: Clock;
}): Messages {
  const { decide, asked, refuse, mayHold, listed, passes, clock } = deps;

  function isListed(call: Asking, tool: string): boolean {
    const { operation, resource } = nameMessage('tools/call', tool);
    const { era } = call.mcp;
    const action = { method: 'tools/call', era, tool, args: null, isListing: true };
    const { verdict, rules, fault } = decide(withMcp(inputText(call.input), operation, resource, action, clock()));
    // Only an explicit rule takes a tool from the list: without its arguments, the others say little.
    return verdict !== 'block' || fault !== null || rules[0]?.id === NO_RULE;
  }

  /** Whether the client gets a request of the server. */
  function permits(call: Asking, method: string, params: string | null): boolean {
    const { operation, resource } = nameMessage(method, null);
    const { era } = call.mcp;
    const now = clock();
    const input = withMcp(
      inputText(call.input),
      operation,
      resource,
      { method, era, fromServer: true, args: params },
      now,
    );
    const decision = decide(input);
    const { principal, system, target, path, headers, claims, traceId } = call;
    const id = createId('call');
    asked(
      {
        id,
        receivedAt: now,
        principal,
        system,
        operation,
        method: 'POST',
        target,
        path,
        headers,
        body: Buffer.alloc(0),
        resource,
        claims,
        idempotencyKey: null,
        traceId,
        mcp: { method, era },
        input,
        otherReadings: [],
      },
      decision,
    );
    return decision.verdict === 'allow';
  }

  /** On 2026-07-28, the server asks in its result, which the client answers by calling again. */
  function withoutBlockedInputs(call: Asking, json: string): string {
    const envelope = asObject(parse(json));
    const requests = asObject(asObject(envelope?.['result'])?.['inputRequests']);
    if (!envelope || !requests) return json;
    const isPermitted = Object.values(requests).every((request) => {
      const { method, params } = asObject(request) ?? {};
      return typeof method === 'string' && permits(call, method, params === undefined ? null : JSON.stringify(params));
    });
    if (isPermitted) return json;
    const message = 'The server asked for something that policy does not permit, so this was not completed.';
    const result = { resultType: 'complete', content: [{ type: 'text', text: message }], isError: true };
    // Only the result of a tool can say that it failed.
    const refused = call.mcp.method === 'tools/call' ? { result } : { error: { code: 403, message } };
    // A number would be rounded.
    const id = parseSpans(json).members.get('id')?.value;
    const idText = id ? json.slice(id.start, id.end) : 'null';
    return `{"jsonrpc":"2.0","id":${idText},${JSON.stringify(refused).slice(1)}`;
  }

  /** What the client gets for the server's id of a session. The id that it has stays the same. */
  function sessionFor({ mcp, principal, system }: Asking, id: string): string | null {
    if (mcp.era === 'modern') return null;
    const known = mcp.session?.startsWith(`${id}.${PASS_PREFIX}`) ? mcp.session : null;
    return known ?? sealSession(passes, principal.agent, system, id);
  }

  /** What becomes of a list of tools on its way to the client. */
  function listRules(call: Asking): ListRules {
    const { system, headers, mcp } = call;
    const takesTasks = mcp.era === 'legacy' && headerValue(headers, REVISION_HEADER) === REVISION_WITH_TASKS;
    return {
      listed: (tools) => listed(system, tools),
      isListed: (tool) => isListed(call, tool),
      runsAsTask: (tool) => takesTasks && mayHold(system, tool),
    };
  }

  function rulesFor(call: Asking): MessageRules {
    const { method, era } = call.mcp;
    const offersTasks = method === 'initialize' && mayHold(call.system, null);
    return {
      session: (id) => sessionFor(call, id),
      opened: listens(call),
      // On a stream that is taken up again, responses to any request come.
      changesResponses: method === 'tools/list' || method === STREAM || era === 'modern' || offersTasks,
      response(json) {
        if (offersTasks) return offerTasks(json);
        const mayHave = (name: string) => json.includes(name) || json.includes('\\u');
        if (method === 'tools/list' || (method === STREAM && mayHave('tools')))
          return changeList(json, listRules(call));
        return era === 'modern' && mayHave('inputRequests') ? withoutBlockedInputs(call, json) : json;
      },
      permits(json) {
        const request = readRequest(json);
        if (!request) return false;
        if (permits(call, request.method, request.params)) return true;
        if (request.id !== null) refuse(call, request.id);
        return false;
      },
    };
  }

  const listening = new Set<Announce>();

  /** Where a client hears of changes: the stream of its session, or that of its subscription. */
  function listens({ mcp: { method, subscription } }: Asking): MessageRules['opened'] {
    if (method !== STREAM && subscription === undefined) return null;
    return (announce) => {
      const tell = () => announce(listChanged(subscription));
      listening.add(tell);
      return () => void listening.delete(tell);
    };
  }

  return {
    through: (call, answer) => new MessageReader(answer, rulesFor(call)),
    listsChanged() {
      for (const tell of listening) tell();
    },
  };
}

type Announce = () => void;

/** @param subscription the id of the request that subscribed, as JSON text */
function listChanged(subscription: string | undefined): string {
  const params = subscription === undefined ? '' : `,"params":{"_meta":{"${SUBSCRIPTION_KEY}":${subscription}}}`;
  return `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"${params}}`;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

/** A held call of MCP as the store has it; null if it is none. */
export function askingOf(
  hold: Pick<CallHold, 'principal' | 'system' | 'path'>,
  call: HeldCall,
  system: Pick<System, 'mcp'> | undefined,
): Asking | null {
  if (!system || !isMcpRequest(system, call)) return null;
  const { principal, path } = hold;
  const { method, target, headers, input } = call;
  const mcp = mcpOf(input);
  return (
    mcp && {
      principal,
      system: hold.system,
      path,
      traceId: null,
      method,
      target,
      headers,
      input,
      claims: NO_CLAIMS,
      mcp,
    }
  );
}

/** A request as every reader reads it; null if there is none. */
function readRequest(
  json: string,
): { readonly id: string | null; readonly method: string; readonly params: string | null } | null {
  try {
    const text = validateJson(Buffer.from(json));
    const { members } = parseSpans(text);
    const textOf = (name: string) => {
      const value = members.get(name)?.value;
      return value ? text.slice(value.start, value.end) : null;
    };
    const method: unknown = JSON.parse(textOf('method') ?? 'null');
    return typeof method === 'string' ? { id: textOf('id'), method, params: textOf('params') } : null;
  } catch {
    return null;
  }
}
