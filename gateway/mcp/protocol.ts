/**
 * The names and numbers of MCP (Model Context Protocol) that Holdpoint speaks itself: revisions 2025-06-18 and
 * 2025-11-25, which have sessions (`legacy`), and 2026-07-28, which has none (`modern`).
 */
export type Era = 'legacy' | 'modern';

/** JSON-RPC 2.0, section 5.1. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
/** 2026-07-28: a header says something else than the body. */
export const HEADER_MISMATCH = -32020;
/** 2026-07-28: the request needs an extension that the client did not declare with it. */
export const MISSING_CAPABILITY = -32021;

/** The member of `_meta` by which a request of 2026-07-28 is known. */
export const PROTOCOL_VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
/** The member of `_meta` that names the subscription to which a notification belongs (2026-07-28). */
export const SUBSCRIPTION_KEY = 'io.modelcontextprotocol/subscriptionId';
/** What the client of a request of 2026-07-28 can do, and the extension by which it takes a task for a result. */
export const CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';
/** The agent's claims, as `Agent-Context` has them over HTTP. */
export const CLAIMS_KEY = 'holdpoint/context';
/** What the gateway decided, in the results that it composes. */
export const DECISION_KEY = 'holdpoint/decision';

/** The only revision that knows batches. A request without the header is of it. */
export const REVISION_WITH_BATCHES = '2025-03-26';

/** The header, in lower case, with which requests name the revision that was agreed on. */
export const REVISION_HEADER = 'mcp-protocol-version';
/** The revision in which clients ask for a task with a call, if server and tool offer that. */
export const REVISION_WITH_TASKS = '2025-11-25';
/** The members of `_meta` that name the task of a result, and tell the model of it (2025-11-25). */
export const RELATED_TASK_KEY = 'io.modelcontextprotocol/related-task';
export const IMMEDIATE_RESPONSE_KEY = 'io.modelcontextprotocol/model-immediate-response';

export const CANCELLED = 'notifications/cancelled';

/** The HTTP methods of the transport that carry no message, as policy names them. */
export const STREAM = 'stream';
export const END_SESSION = 'end-session';
/** A client's response to a request of the server. */
export const RESPONSE = 'response';
