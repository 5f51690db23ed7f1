import { parseSpans } from '../json/text.ts';

/** What a message of the server is, by the members of its envelope; null if it is no message. */
export type ServerMessage = {
  readonly kind: 'response' | 'request' | 'notification';
  readonly method: string | null;
  /** The message with another id, as JSON text. */
  withId(id: string): string;
};

/** Reads the envelope of a message that a server wrote. Of members that are there twice, the last counts. */
export function readServerMessage(json: string): ServerMessage | null {
  let root: ReturnType<typeof parseSpans>;
  try {
    root = parseSpans(json);
  } catch {
    return null;
  }
  const { members } = root;
  if (json[root.start] !== '{') return null;
  const id = members.get('id')?.value;
  const method = members.get('method')?.value;
  const isResponse = members.has('result') || members.has('error');
  if (!isResponse && method === undefined) return null;
  return {
    kind: isResponse ? 'response' : id === undefined ? 'notification' : 'request',
    method: method === undefined ? null : String(JSON.parse(json.slice(method.start, method.end))),
    withId: (other) => (id === undefined ? json : json.slice(0, id.start) + other + json.slice(id.end)),
  };
}
