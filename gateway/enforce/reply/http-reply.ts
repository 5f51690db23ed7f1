import type { Verdict } from '../../domain/decision.ts';
import { VIA, withoutHeaders } from '../../domain/headers.ts';
import type { HeldResponse } from '../../domain/hold.ts';
import type { AgentResponse } from '../../domain/message.ts';
import type { Problem } from '../../domain/problem.ts';
import type { RefusalShape } from '../../domain/refusal-shape.ts';
import type {
  AnsweredMessage,
  ConnectionReply,
  HandleState,
  Preference,
  Reply,
  Sharing,
  StreamedAnswer,
  Tunnel,
  Via,
} from '../../domain/reply.ts';
import { asEvent } from '../../mcp/event-splitter.ts';
import { STREAM } from '../../mcp/protocol.ts';
import { BatchResponse } from './mcp/batch-response.ts';
import { McpReply, type MessageTransport } from './mcp/mcp-reply.ts';
import { peekMessages, UNREAD, type Peeked } from './mcp/peek-messages.ts';
import { AgentAnswer } from './agent-answer.ts';
import type { GatewayUrls } from './gateway-urls.ts';
import { readPrefer } from './prefer.ts';
import { layOut } from './refusal.ts';
import { shareAnswer, sharedHeaders } from './shared-headers.ts';
import { viaOf } from './via.ts';

/** What a client of MCP only listens to. */
const LISTENING: ReadonlySet<string> = new Set([STREAM, 'subscriptions/listen']);

/** Reason phrases are for people; a few hundred characters are enough. */
const LONGEST_PHRASE = 300;

/** Answers a call over HTTP. Every answer names its decision and verdict. */
export class HttpReply implements ConnectionReply, MessageTransport {
  readonly tunnel: Tunnel | null;
  readonly #response: AgentResponse;
  readonly #urls: Pick<GatewayUrls, 'hold'>;
  readonly #own: string | undefined;
  #shape: RefusalShape = 'problem';
  #sharing: Sharing | null = null;
  /** The agent, if it needs a pass to read its hold. */
  #passFor: string | null = null;
  #mcp = false;
  listens = false;
  /** Whether the caller waits for 100 Continue before it sends its body. */
  #holdsBody: boolean;
  #answers = false;
  #cutOff: Problem | null = null;

  /** @param own the name of the system that has the address at which the request came */
  constructor(response: AgentResponse, urls: Pick<GatewayUrls, 'hold'>, own?: string, tunnel: Tunnel | null = null) {
    this.#response = response;
    this.#urls = urls;
    this.#own = own;
    this.tunnel = tunnel;
    this.#holdsBody = response.request.headers.expect !== undefined;
  }

  get preference(): Preference {
    return readPrefer(this.#response.request.headers);
  }

  get via(): Via {
    return viaOf(this.#response.request, this.#own);
  }

  get gone(): boolean {
    return this.#response.gone;
  }

  get keptBack(): boolean {
    return false;
  }

  whyCutOff(): Problem | null {
    return this.#cutOff;
  }

  onClose(closed: () => void): void {
    this.#response.onClose(closed);
  }

  answer(decisionId: string, verdict: Verdict): StreamedAnswer {
    this.#answers = true;
    return new AgentAnswer(this.#response, decisionId, verdict, this.#sharing);
  }

  stored(decisionId: string, { status, headers, body }: HeldResponse): void {
    const sent = withoutHeaders(headers, (name) => name === 'content-length');
    if (status !== 204 && status !== 304) sent.push('content-length', String(body.length));
    sent.push('via', VIA, 'holdpoint-decision', decisionId, 'holdpoint-verdict', 'hold');
    if (this.#sharing) shareAnswer(sent, this.#sharing);
    this.#response.begin(status, sent);
    this.#end(body);
  }

  needsPass(agent: string): void {
    this.#passFor = agent;
  }

  refuseIn(shape: RefusalShape): void {
    this.#shape = shape;
  }

  shareWith(sharing: Sharing): void {
    this.#sharing = sharing;
  }

  speakMcp(): void {
    this.#mcp = true;
  }

  forMessage(message: AnsweredMessage): Reply {
    this.listens = LISTENING.has(message.method);
    return new McpReply(this, message);
  }

  forBatch(messages: readonly AnsweredMessage[]): readonly Reply[] {
    const batch = new BatchResponse(this, messages);
    return messages.map((message) => new McpReply(batch.part(message), message));
  }

  waits(): boolean {
    return false;
  }

  /** Never called: over HTTP, a caller hangs up itself. */
  hangUp(): void {
    this.abort();
  }

  accepts(type: string): boolean {
    const accept = this.#response.request.headers.accept?.toLowerCase();
    const range = `${type.split('/', 1)[0]}/*`;
    return accept === undefined || [type, range, '*/*'].some((each) => accept.includes(each));
  }

  message(decisionId: string, verdict: Verdict, status: number, json: string): void {
    const inStream = status === 200 && !this.accepts('application/json') && this.accepts('text/event-stream');
    const body = inStream ? asEvent(json) : Buffer.from(json);
    const type = inStream ? 'text/event-stream' : 'application/json';
    this.#refuse(status, { 'content-type': type, ...named(decisionId, verdict) }, body);
  }

  withoutBody(decisionId: string, verdict: Verdict, status: number): void {
    this.#refuse(status, named(decisionId, verdict), Buffer.alloc(0));
  }

  openStream(decisionId: string, verdict: Verdict): (piece: Buffer) => boolean {
    const fields = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      // Nginx would collect the events.
      'x-accel-buffering': 'no',
      ...named(decisionId, verdict),
      ...(this.#sharing && sharedHeaders(this.#sharing)),
    };
    this.#response.begin(200, Object.entries(fields).flat());
    this.#response.flush();
    return (piece) => this.#response.write(piece);
  }

  carriesAnswer(): void {
    this.#answers = true;
  }

  endStream(): void {
    this.#response.end();
  }

  onDrain(resume: () => void): void {
    this.#response.onDrain(resume);
  }

  /**
   * Answers with a problem (RFC 9457), laid out as the system's SDK expects it. A 403 or 409 tells SDKs not to retry: a
   * retry does not change a decision.
   */
  problem(decisionId: string, verdict: Verdict, problem: Problem): void {
    const response = this.#response;
    if (response.begun) {
      this.abort();
      return;
    }
    if (this.#mcp && problem.code !== 'unauthenticated') {
      this.#refuseMessage(decisionId, verdict, problem);
      return;
    }
    const { retry_after, hold_id } = problem.extras;
    const refusal = layOut(this.#shape, problem, decisionId);
    const fields: Record<string, string> = {
      'content-type': refusal.type ?? acceptedType(response.request.headers.accept),
      ...named(decisionId, verdict),
    };
    if (problem.status === 403 || problem.status === 409) {
      fields['x-should-retry'] = 'false';
      fields['stripe-should-retry'] = 'false';
    }
    if (problem.status === 401) fields['www-authenticate'] = 'Bearer realm="holdpoint"';
    if (retry_after !== undefined) fields['retry-after'] = String(retry_after);
    const isPending = problem.code === 'approval-pending' || problem.code === 'release-pending';
    if (isPending && hold_id !== undefined) fields['location'] = this.locationOf(hold_id);
    const isUnframed = problem.code === 'bad-request';
    this.#refuse(refusal.status, fields, Buffer.from(refusal.body), reasonPhrase(problem), isUnframed);
  }

  /** @param isUnframed the request may have no known end */
  #refuse(
    status: number,
    fields: Readonly<Record<string, string>>,
    body: Buffer,
    phrase?: string,
    isUnframed = false,
  ): void {
    const response = this.#response;
    const { complete, method } = response.request;
    // Request smuggling: the rest of an unread body, or of a badly framed request, must not become the next request.
    const closes = !complete || isUnframed;
    const all = {
      ...fields,
      'content-length': String(body.length),
      ...(closes && { connection: 'close' }),
      ...(this.#sharing && sharedHeaders(this.#sharing)),
    };
    response.begin(status, Object.entries(all).flat(), phrase);
    if (!complete && !this.#holdsBody && !isUnframed) response.endAfterBody(method === 'HEAD' ? undefined : body);
    else this.#end(body);
  }

  /** Refuses messages of MCP before they are described. Their responses have their ids, so the body is read for those alone. */
  #refuseMessage(decisionId: string, verdict: Verdict, problem: Problem): void {
    const { request } = this.#response;
    const refuse = ({ isBatch, all }: Peeked) => {
      const replies = isBatch ? this.forBatch(all) : all.map((message) => this.forMessage(message));
      for (const reply of replies) reply.problem(decisionId, verdict, problem);
    };
    if (request.method !== 'POST') refuse({ isBatch: false, all: [{ id: null, method: STREAM, era: 'legacy' }] });
    else if (request.wasRead || this.#holdsBody) refuse(UNREAD);
    else void peekMessages(request).then(refuse, () => this.abort());
  }

  /**
   * 202 with a handle (RFC 7240 section 4.1): control releases the call, and the agent reads the outcome at `Location`.
   */
  accepted(decisionId: string, { id, status }: HandleState, retryAfter: number): void {
    const body = Buffer.from(JSON.stringify({ hold_id: id, status, retry_after: retryAfter }));
    const fields = {
      'content-type': 'application/json',
      'content-length': String(body.length),
      location: this.locationOf(id),
      'retry-after': String(retryAfter),
      'preference-applied': 'respond-async',
      ...named(decisionId, 'hold'),
      ...(this.#sharing && sharedHeaders(this.#sharing)),
    };
    this.#response.begin(202, Object.entries(fields).flat());
    this.#end(body);
  }

  /** Never called: only a message of MCP asks for a task. */
  task(): void {
    this.abort();
  }

  locationOf(holdId: string): string {
    return this.#urls.hold(holdId, this.via, this.#passFor);
  }

  sendContinue(): void {
    this.#holdsBody = false;
    this.#response.sendContinue();
  }

  endListening(): void {
    if (this.listens) this.abort();
  }

  abort(): void {
    this.#response.abort();
  }

  cut(why: Problem): void {
    this.#cutOff = why;
    if (this.#answers || !this.#response.request.complete) this.abort();
  }

  #end(body: Buffer): void {
    this.#response.end(this.#response.request.method === 'HEAD' ? undefined : body);
  }
}

function named(decisionId: string, verdict: Verdict): Record<string, string> {
  return { 'holdpoint-decision': decisionId, 'holdpoint-verdict': verdict };
}

/**
 * A client that accepts only its vendor's JSON type, as Octokit does, gets the problem as plain JSON. It reads no
 * problem type and would show "unknown error" instead of the reason.
 */
function acceptedType(accept: string | undefined): string {
  const vendorOnly = accept !== undefined && /^application\/vnd\.[^,]*json[^,]*$/.test(accept);
  return vendorOnly ? 'application/json' : 'application/problem+json';
}

/** For clients that show the reason phrase alone, such as `raise_for_status` of Python's requests. */
function reasonPhrase(problem: Problem): string {
  const phrase = problem.message.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, LONGEST_PHRASE);
  return phrase.trim() || problem.code;
}
