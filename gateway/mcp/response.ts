import { foldCase } from '../json/fold-case.ts';
import { parseSpans } from '../json/text.ts';

/** What a message of the server is, by the members of its envelope; null if it is no message. */
export type ServerMessage = {
  readonly kind: 'response' | 'request' | 'notification';
  readonly method: string | null;
  /** The JSON texts of these members, as written; null if absent. */
  readonly result: string | null;
  readonly error: string | null;
  /** The message with another id, as JSON text. */
  withId(id: string): string;
};

/**
 * Reads the envelope of a message that a server wrote. Of members that are there twice, the last counts. A message with a
 * method is never a response, whatever else it has.
 */
export function readServerMessage(text: string): ServerMessage | null {
  // Clients leave out a byte order mark.
  const json = text.replace(/^\ufeff/, '');
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
  const textOf = (name: string): string | null => {
    const value = members.get(name)?.value;
    return value ? json.slice(value.start, value.end) : null;
  };
  const isResponse = method === undefined && (members.has('result') || members.has('error'));
  if (!isResponse && method === undefined) return null;
  return {
    kind: isResponse ? 'response' : id === undefined ? 'notification' : 'request',
    method: method === undefined ? null : String(JSON.parse(json.slice(method.start, method.end))),
    result: textOf('result'),
    error: textOf('error'),
    withId: (other) => (id === undefined ? json : json.slice(0, id.start) + other + json.slice(id.end)),
  };
}

/** Without these, there is no array, and no such name in any spelling: nothing needs to be parsed. */
const MAY_ASK = /^\s*\[|method|\\u/i;

/** Whether some client may find a request in a JSON text: in an array, or by a method in whatever case. */
export function mayAsk(json: string): boolean {
  if (!MAY_ASK.test(json)) return false;
  try {
    const value: unknown = JSON.parse(json);
    if (Array.isArray(value)) return value.length > 0;
    return (
      typeof value === 'object' && value !== null && Object.keys(value).some((name) => foldCase(name) === 'method')
    );
  } catch {
    return false;
  }
}
