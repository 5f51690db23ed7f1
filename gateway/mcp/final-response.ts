import { headerValue, isEventStream } from '../domain/headers.ts';
import { dataOf, EventSplitter } from './event-splitter.ts';
import { readServerMessage, type ServerMessage } from './response.ts';

/** The response in a whole answer, which is JSON or a stream of events; null if there is none. */
export function finalResponse(answer: {
  readonly status: number;
  /** Names and values alternating. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}): ServerMessage | null {
  const { status, headers, body } = answer;
  if (status !== 200) return null;
  if (!isEventStream(headerValue(headers, 'content-type'))) return responseIn(body.toString('utf8'));
  const splitter = new EventSplitter();
  const events = [...splitter.push(body), splitter.flush()];
  return events.map((event) => responseIn(dataOf(event))).find((message) => message !== null) ?? null;
}

function responseIn(json: string | null): ServerMessage | null {
  const message = json === null ? null : readServerMessage(json);
  return message?.kind === 'response' ? message : null;
}
