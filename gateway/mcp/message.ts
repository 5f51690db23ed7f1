import { foldCase } from '../json/fold-case.ts';
import { spansOf, stringOf, type Span } from '../json/text.ts';
import { validateJson } from '../json/validate.ts';
import { MessageError } from './message-error.ts';
import {
  CAPABILITIES_KEY,
  END_SESSION,
  INVALID_PARAMS,
  INVALID_REQUEST,
  PROTOCOL_VERSION_KEY,
  RESPONSE,
  STREAM,
  TASKS_EXTENSION,
  type Era,
} from './protocol.ts';

/**
 * One JSON-RPC 2.0 message of MCP. Only the members that Holdpoint reads are here; the server gets the client's bytes.
 */
export type Message = {
  readonly kind: 'request' | 'notification' | 'response';
  /** The id as written: `1` and `"1"` are two ids. Null for a notification. */
  readonly id: string | null;
  /** Empty for a response. */
  readonly method: string;
  readonly era: Era;
  /** What a request is about: the name of a tool or prompt, the URI of a resource, the id of a task; else null. */
  readonly subject: string | null;
  /** JSON texts of members of `params`, as written; null if absent. */
  readonly args: string | null;
  readonly inputResponses: string | null;
  readonly requestId: string | null;
  readonly requestState: string | null;
  /** `_meta`, parsed; null if absent. */
  readonly meta: Readonly<Record<string, unknown>> | null;
  /** Whether the request asks to be run as a task (2025-11-25). */
  readonly asksForTask: boolean;
  /** Whether the request subscribes to changes of the list of tools (2026-07-28). */
  readonly asksForToolChanges: boolean;
  /** Whether the client takes a task for the result of this request (2026-07-28, extension tasks). */
  readonly takesTasks: boolean;
  /** The message, as written. */
  readonly text: string;
};

/** The messages of one body. `isBatch`: they were in an array, of one message perhaps. */
export type Messages = { readonly isBatch: boolean; readonly all: readonly [Message, ...Message[]] };

/** Each message of a batch is a request of its own to the server. */
const MOST_IN_BATCH = 100;

/** What policy calls requests without a message. A message with such a method would pass for one. */
const NO_METHODS: ReadonlySet<string> = new Set([STREAM, END_SESSION, RESPONSE]);

const NULL = 'null';

const ENVELOPE = ['jsonrpc', 'id', 'method', 'params', 'result', 'error'];
const PARAMS = [
  'name',
  'uri',
  'arguments',
  'task',
  'taskId',
  'ref',
  '_meta',
  'inputResponses',
  'requestState',
  'cursor',
  'requestId',
];

/** The member of `params` that names what a request is about. */
const SUBJECTS: Readonly<Record<string, 'name' | 'uri' | 'taskId'>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'resources/subscribe': 'uri',
  'resources/unsubscribe': 'uri',
  'tasks/get': 'taskId',
  'tasks/result': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/**
 * Reads the messages of a body exactly: what any server could read in another way is refused. Members that Holdpoint
 * does not know stay in the text.
 * @throws Problem `bad-body` if the body is not exact JSON; MessageError if it is no message, or its parameters are not
 *   those of its method
 */
export function readMessages(body: Buffer): Messages {
  const text = validateJson(body);
  const root = spansOf(text);
  if (text[root.start] !== '[') return { isBatch: false, all: [messageAt(text, root)] };
  const { elements } = root;
  if (elements.length > MOST_IN_BATCH)
    throw new MessageError(INVALID_REQUEST, `Send at most ${MOST_IN_BATCH} messages at once.`);
  const [first, ...others] = elements.map((element) => messageAt(text, element));
  if (!first) throw new MessageError(INVALID_REQUEST, 'The array of messages is empty.');
  return { isBatch: true, all: [first, ...others] };
}

/** Members of `params` that a retry may change without becoming another call. */
const CHANGING: ReadonlySet<string> = new Set(['_meta', 'requestState', 'task']);

/**
 * What makes a message the same call when it is sent again: its method and its parameters, also those that Holdpoint does
 * not know. A retry has another id, another progress token and other metadata. A body that is no single message stands
 * for itself.
 */
export function messageIdentity(body: Buffer): Buffer {
  let messages: Messages;
  try {
    messages = readMessages(body);
  } catch {
    return body;
  }
  const [{ kind, method, text }] = messages.all;
  if (messages.isBatch || kind !== 'request') return body;
  const given = [...(spansOf(text).members.get('params')?.value.members ?? [])].flatMap(([name, { value }]) => {
    const written = text.slice(value.start, value.end);
    return CHANGING.has(name) || written === NULL ? [] : [`${JSON.stringify(name)}:${written}`];
  });
  if (!given.some((member) => member.startsWith('"arguments":'))) given.push('"arguments":{}');
  return Buffer.from(`{"method":${JSON.stringify(method)},"params":{${given.join(',')}}}`);
}

function messageAt(text: string, span: Span): Message {
  if (text[span.start] !== '{') throw new MessageError(INVALID_REQUEST, 'A message is a JSON object.');
  assertPlainNames(span, ENVELOPE);
  const textOf = (name: string, of: Span = span): string | null => {
    const value = of.members.get(name)?.value;
    return value ? text.slice(value.start, value.end) : null;
  };
  const id = textOf('id');
  const fail = (code: number, detail: string): never => {
    throw new MessageError(code, detail, isId(id) ? id : null);
  };
  if (textOf('jsonrpc') !== '"2.0"') fail(INVALID_REQUEST, 'A message has "jsonrpc": "2.0".');
  if (id !== null && !isId(id)) {
    // An error to a message whose id could not be read has the id null, and may be left out of the answer.
    if (!(id === NULL && span.members.has('error'))) fail(INVALID_REQUEST, 'The id is a string or an integer.');
  }
  const answers = (span.members.has('result') ? 1 : 0) + (span.members.has('error') ? 1 : 0);
  const method = textOf('method');
  const common = {
    text: text.slice(span.start, span.end),
    subject: null,
    args: null,
    inputResponses: null,
    requestId: null,
    requestState: null,
  };
  if (method === null) {
    if (span.members.has('result') && id === null) fail(INVALID_REQUEST, 'A result has the id of its request.');
    if (answers !== 1) fail(INVALID_REQUEST, 'A message has a method, or a result, or an error.');
    return {
      ...common,
      kind: 'response',
      id,
      method: '',
      era: 'legacy',
      meta: null,
      asksForTask: false,
      asksForToolChanges: false,
      takesTasks: false,
    };
  }
  if (answers > 0) fail(INVALID_REQUEST, 'A message with a method has neither result nor error.');
  if (method[0] !== '"') fail(INVALID_REQUEST, 'The method is a string.');

  const written = textOf('params') === NULL ? undefined : span.members.get('params')?.value;
  if (written && text[written.start] !== '{') fail(INVALID_PARAMS, 'The parameters are an object.');
  if (written) assertPlainNames(written, PARAMS, id);
  // Clients in Go and Python write null for what is absent.
  const param = (name: string) => {
    const value = written ? textOf(name, written) : null;
    return value === NULL ? null : value;
  };
  const name = stringOf(method);
  if (name === '' || NO_METHODS.has(name)) fail(INVALID_REQUEST, 'The method is none of MCP.');
  if (name.startsWith('notifications/') && id !== null) fail(INVALID_REQUEST, 'A notification has no id.');
  const member = SUBJECTS[name];
  const subject = member === undefined ? null : param(member);
  // Without its name, a call of a tool is none. Of another method, the server says what is missing, or that it has no such.
  if (member !== undefined && (subject === null ? name === 'tools/call' : subject[0] !== '"'))
    fail(INVALID_PARAMS, `${name} needs the parameter ${member}, a string.`);
  const args = param('arguments');
  if (args !== null && args[0] !== '{') fail(INVALID_PARAMS, 'The arguments are an object.');
  const metaText = param('_meta');
  if (metaText !== null && metaText[0] !== '{') fail(INVALID_PARAMS, '_meta is an object.');
  const meta = metaText === null ? null : (JSON.parse(metaText) as Record<string, unknown>);
  return {
    kind: id === null ? 'notification' : 'request',
    id,
    method: name,
    ...declaredIn(meta),
    subject: subject === null ? null : stringOf(subject),
    args,
    inputResponses: param('inputResponses'),
    requestId: param('requestId'),
    requestState: param('requestState'),
    meta,
    asksForTask: param('task') !== null,
    asksForToolChanges: name === 'subscriptions/listen' && id !== null && asksForToolChanges(param('notifications')),
    text: common.text,
  };
}

function asksForToolChanges(notifications: string | null): boolean {
  const asked: unknown = JSON.parse(notifications ?? NULL);
  return typeof asked === 'object' && asked !== null && 'toolsListChanged' in asked && asked.toolsListChanged === true;
}

/**
 * A string, or an integer of at most 64 bits, as clients in Go and Java count, without fraction or exponent. The gateway
 * answers under the id as it was written.
 */
export function isId(id: string | null): id is string {
  return id !== null && (id[0] === '"' || /^(?:0|-?[1-9]\d{0,18})$/.test(id));
}

/** A request of 2026-07-28 names its revision, and what its client can do. */
function declaredIn(meta: Message['meta']): { readonly era: Era; readonly takesTasks: boolean } {
  if (meta?.[PROTOCOL_VERSION_KEY] === undefined) return { era: 'legacy', takesTasks: false };
  const extensions = memberOf(meta[CAPABILITIES_KEY], 'extensions');
  return { era: 'modern', takesTasks: memberOf(extensions, TASKS_EXTENSION) !== undefined };
}

function memberOf(value: unknown, name: string): unknown {
  const isMap = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
  return isMap ? (value as Record<string, unknown>)[name] : undefined;
}

/**
 * Refuses a name that a reader which ignores case, such as Go's or .NET's, takes for one that is read here. Two names that
 * differ in case alone are refused before.
 */
function assertPlainNames({ members }: Span, known: readonly string[], id: string | null = null): void {
  for (const name of members.keys()) {
    if (known.includes(name)) continue;
    const folded = foldCase(name);
    const meant = known.find((each) => foldCase(each) === folded);
    if (meant !== undefined) throw new MessageError(INVALID_REQUEST, `Write ${meant} instead of ${name}.`, id);
  }
}
