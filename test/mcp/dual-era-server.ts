import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node';
import {
  acceptedContent,
  createMcpHandler,
  inputRequired,
  isLegacyRequest,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  Server,
  type CallToolResult,
  type EventStore,
  type GetPromptResult,
  type InputRequiredResult,
  type JSONRPCMessage,
  type ServerContext,
} from '@modelcontextprotocol/server';

const INVALID_PARAMS = -32602;
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const IMAGE = { type: 'image', data: PNG, mimeType: 'image/png' } as const;
const NO_ARGUMENTS = { type: 'object', properties: {} } as const;

type Arguments = Readonly<Record<string, string>>;
type Run = (
  args: Arguments,
  ctx: ServerContext,
) => CallToolResult | InputRequiredResult | Promise<CallToolResult | InputRequiredResult>;
type Tool = { readonly run: Run; readonly inputSchema?: { readonly type: 'object' } & Record<string, unknown> };

/** What a client did with a request of the server. */
type Answer = { readonly action: string; readonly content?: unknown };

/**
 * A server for both eras on one endpoint, made with the official SDK, that offers what the official conformance suite
 * asks for by name.
 */
export async function startDualEraServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const key = randomBytes(32);
  const handler = createMcpHandler(({ era }) => createFixture(era, key, () => handler.notify.toolsChanged()), {
    legacy: 'reject',
  });
  const modern = toNodeHandler(handler);
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();
  const isHost = localhostHostValidation();
  const isOrigin = localhostOriginValidation();

  const http = createServer((request, response) => {
    if (!isHost(request, response) || !isOrigin(request, response)) return;
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      let body: unknown;
      try {
        body = text === '' ? undefined : JSON.parse(text);
      } catch {
        response.writeHead(400).end();
        return;
      }
      const id = request.headers['mcp-session-id'];
      const known = typeof id === 'string' ? sessions.get(id) : undefined;
      if (known) return known.handleRequest(request, response, body);
      // The types of Node say that both may be absent.
      const incoming = request as IncomingMessage & { method: string; url: string };
      if (!(await isLegacyRequest(await toWebRequest(incoming, body), body))) return modern(incoming, response, body);
      if (id !== undefined) {
        response.writeHead(404).end();
        return;
      }
      const transport = new NodeStreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        eventStore: createEventStore(),
        retryInterval: 500,
        onsessioninitialized: (session) => void sessions.set(session, transport),
        onsessionclosed: (session) => void sessions.delete(session),
      });
      await createFixture('legacy', key, () => {}).connect(transport);
      return transport.handleRequest(request, response, body);
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      await handler.close();
      for (const transport of sessions.values()) await transport.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

function createFixture(era: 'legacy' | 'modern', key: Buffer, toolsChanged: () => void): Server {
  const isLegacy = era === 'legacy';
  const server = new Server(
    { name: 'fixture', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: isLegacy ? { subscribe: true } : {},
        prompts: {},
        completions: {},
        logging: {},
      },
    },
  );
  const tools: Record<string, Tool> = {
    ...toolsOf(toolsChanged),
    ...(isLegacy ? legacyTools() : modernTools(key)),
  };

  server.setRequestHandler('tools/list', () => ({
    tools: Object.entries(tools).map(([name, { inputSchema = NO_ARGUMENTS }]) => ({
      name,
      description: `Fixture ${name}.`,
      inputSchema,
    })),
    ...cached(isLegacy),
  }));
  server.setRequestHandler('tools/call', ({ params }, ctx) => {
    const tool = tools[params.name];
    if (!tool) throw new ProtocolError(INVALID_PARAMS, `Unknown tool: ${params.name}`);
    return tool.run((params.arguments ?? {}) as Arguments, ctx);
  });
  server.setRequestHandler('resources/list', () => ({
    resources: [
      { uri: 'test://static-text', name: 'Static text', mimeType: 'text/plain' },
      { uri: 'test://static-binary', name: 'Static binary', mimeType: 'image/png' },
      { uri: 'test://watched-resource', name: 'Watched', mimeType: 'text/plain' },
    ],
    ...cached(isLegacy),
  }));
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [{ uriTemplate: 'test://template/{id}/data', name: 'Template', mimeType: 'application/json' }],
    ...cached(isLegacy),
  }));
  server.setRequestHandler('resources/read', ({ params: { uri } }) => ({
    contents: [contentOf(uri, isLegacy)],
    ...cached(isLegacy),
  }));
  if (isLegacy) {
    server.setRequestHandler('resources/subscribe', () => ({}));
    server.setRequestHandler('resources/unsubscribe', () => ({}));
  }
  const prompts = promptsOf(isLegacy);
  server.setRequestHandler('prompts/list', () => ({
    prompts: Object.entries(prompts).map(([name, { names }]) => ({
      name,
      description: `Fixture ${name}.`,
      arguments: names.map((argument) => ({ name: argument, required: true })),
    })),
    ...cached(isLegacy),
  }));
  server.setRequestHandler('prompts/get', ({ params }, ctx) => {
    const prompt = prompts[params.name];
    if (!prompt) throw new ProtocolError(INVALID_PARAMS, `Unknown prompt: ${params.name}`);
    return prompt.get(params.arguments ?? {}, ctx);
  });
  server.setRequestHandler('completion/complete', () => ({
    completion: { values: ['paris', 'park', 'party'], total: 150, hasMore: false },
  }));
  return server;
}

function cached(isLegacy: boolean): object {
  return isLegacy ? {} : { ttlMs: 1000, cacheScope: 'private' };
}

function contentOf(
  uri: string,
  isLegacy: boolean,
): { uri: string; mimeType: string } & ({ text: string } | { blob: string }) {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined)
    return {
      uri,
      mimeType: 'application/json',
      text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    };
  if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: PNG };
  if (uri === 'test://static-text' || uri === 'test://watched-resource')
    return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
  throw new ProtocolError(isLegacy ? -32002 : INVALID_PARAMS, 'Resource not found', { uri });
}

type Prompt = {
  readonly names: readonly string[];
  get(args: Arguments, ctx: ServerContext): GetPromptResult | InputRequiredResult;
};

function promptsOf(isLegacy: boolean): Record<string, Prompt> {
  const said = (...contents: GetPromptResult['messages'][number]['content'][]): GetPromptResult => ({
    messages: contents.map((content) => ({ role: 'user', content })),
  });
  const text = (words: string) => ({ type: 'text', text: words }) as const;
  const prompts: Record<string, Prompt> = {
    test_simple_prompt: { names: [], get: () => said(text('This is a simple prompt for testing.')) },
    test_prompt_with_arguments: {
      names: ['arg1', 'arg2'],
      get: ({ arg1, arg2 }) => said(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
    },
    test_prompt_with_embedded_resource: {
      names: ['resourceUri'],
      get: ({ resourceUri: uri = '' }) =>
        said(
          {
            type: 'resource',
            resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
          },
          text('Please process the embedded resource above.'),
        ),
    },
    test_prompt_with_image: { names: [], get: () => said(IMAGE, text('Please analyze the image above.')) },
  };
  if (isLegacy) return prompts;
  const asked = { user_context: elicit('What context should the prompt use?', { context: 'string' }) };
  prompts['test_input_required_result_prompt'] = {
    names: [],
    get: (_, { mcpReq }) => {
      const given = acceptedContent(mcpReq.inputResponses, 'user_context');
      return given ? said(text(`Context: ${JSON.stringify(given)}`)) : inputRequired({ inputRequests: asked });
    },
  };
  return prompts;
}

function toolsOf(toolsChanged: () => void): Record<string, Tool> {
  const resource = (uri: string, mimeType: string, text: string) =>
    ({ type: 'resource', resource: { uri, mimeType, text } }) as const;
  return {
    test_simple_text: { run: () => said('This is a simple text response for testing.') },
    test_image_content: { run: () => ({ content: [IMAGE] }) },
    test_audio_content: { run: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }) },
    test_embedded_resource: {
      run: () => ({
        content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
      }),
    },
    test_multiple_content_types: {
      run: () => ({
        content: [
          { type: 'text', text: 'Multiple content types test:' },
          IMAGE,
          resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
        ],
      }),
    },
    test_tool_with_logging: {
      async run(_, { mcpReq }) {
        for (const words of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
          await mcpReq.log('info', words);
          await pause();
        }
        return said('logged');
      },
    },
    test_tool_with_progress: {
      async run(_, { mcpReq }) {
        const progressToken = mcpReq._meta?.progressToken;
        for (const progress of [0, 50, 100]) {
          if (progressToken !== undefined)
            await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
          await pause();
        }
        return said(String(progressToken));
      },
    },
    test_error_handling: {
      run: () => ({ ...said('This tool intentionally returns an error for testing'), isError: true }),
    },
    test_trigger_tool_change: {
      run() {
        toolsChanged();
        return said('changed');
      },
    },
    json_schema_2020_12_tool: {
      run: () => said('valid'),
      inputSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      },
    },
  };
}

/** On revisions with sessions, the server sends its requests on the stream. */
function legacyTools(): Record<string, Tool> {
  const ask = async ({ mcpReq }: ServerContext, message: string, properties: object, required?: string[]) => {
    const requestedSchema = { type: 'object', properties, ...(required && { required }) } as const;
    const { action, content }: Answer = await mcpReq.elicitInput({
      message,
      requestedSchema: requestedSchema as never,
    });
    return said(`Elicitation completed: action=${action}, content=${JSON.stringify(content)}`);
  };
  const titled = (...names: string[]) => names.map((title, i) => ({ const: `value${i + 1}`, title }));
  const options = ['option1', 'option2', 'option3'];
  return {
    test_sampling: {
      inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
      async run({ prompt = '' }, { mcpReq }) {
        const messages = [{ role: 'user', content: { type: 'text', text: prompt } }] as const;
        const { content } = await mcpReq.requestSampling({ messages: [...messages], maxTokens: 100 });
        return said(`LLM response: ${JSON.stringify(content)}`);
      },
    },
    test_elicitation: {
      inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
      run: ({ message = '' }, ctx) =>
        ask(ctx, message, { username: { type: 'string' }, email: { type: 'string' } }, ['username', 'email']),
    },
    test_elicitation_sep1034_defaults: {
      run: (_, ctx) =>
        ask(ctx, 'Defaults', {
          name: { type: 'string', default: 'John Doe' },
          age: { type: 'integer', default: 30 },
          score: { type: 'number', default: 95.5 },
          status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
          verified: { type: 'boolean', default: true },
        }),
    },
    test_elicitation_sep1330_enums: {
      run: (_, ctx) =>
        ask(ctx, 'Enums', {
          untitledSingle: { type: 'string', enum: options },
          titledSingle: { type: 'string', oneOf: titled('First Option', 'Second Option', 'Third Option') },
          legacyEnum: {
            type: 'string',
            enum: ['opt1', 'opt2', 'opt3'],
            enumNames: ['Option One', 'Option Two', 'Option Three'],
          },
          untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
          titledMulti: { type: 'array', items: { anyOf: titled('First Choice', 'Second Choice', 'Third Choice') } },
        }),
    },
    test_reconnection: {
      async run(_, { http }) {
        http?.closeSSE?.();
        await pause();
        return said('reconnected');
      },
    },
  };
}

/** On 2026-07-28, the server asks in its result, and the client calls again. */
function modernTools(key: Buffer): Record<string, Tool> {
  const name = elicit('What is your name?', { name: 'string' });
  const confirm = elicit('Please confirm', { ok: 'boolean' });
  const sample = (text: string, maxTokens: number) =>
    inputRequired.createMessage({ messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens });
  /** Asks for everything that has not been answered. */
  const asks = (
    inputRequests: Parameters<typeof inputRequired>[0]['inputRequests'] & object,
    words = 'done',
  ): Tool => ({
    run: (_, { mcpReq: { inputResponses } }) =>
      Object.keys(inputRequests).every((each) => inputResponses?.[each] !== undefined)
        ? said(`${words} ${JSON.stringify(inputResponses)}`)
        : inputRequired({ inputRequests }),
  });
  const stated = (inputRequests: Parameters<typeof inputRequired>[0]['inputRequests'] & object): Tool => ({
    run(_, { mcpReq: { inputResponses, requestState } }) {
      const state = requestState<string>();
      if (state === undefined) return inputRequired({ inputRequests, requestState: seal(key, 'round-1') });
      open(key, state);
      return said(`state-ok ${JSON.stringify(inputResponses)}`);
    },
  });
  return {
    test_input_required_result_elicitation: {
      run(_, { mcpReq: { inputResponses } }) {
        const given = acceptedContent<{ name: unknown }>(inputResponses, 'user_name');
        return typeof given?.name === 'string'
          ? said(`Hello, ${given.name}!`)
          : inputRequired({ inputRequests: { user_name: name } });
      },
    },
    test_input_required_result_sampling: asks({ capital_question: sample('What is the capital of France?', 100) }),
    test_input_required_result_list_roots: asks({ client_roots: inputRequired.listRoots() }),
    test_input_required_result_request_state: stated({ confirm }),
    test_input_required_result_tampered_state: stated({ confirm }),
    test_input_required_result_multiple_inputs: stated({
      user_name: name,
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    }),
    test_input_required_result_multi_round: {
      run(_, { mcpReq: { requestState } }) {
        const state = requestState<string>();
        const round = state === undefined ? '' : open(key, state);
        if (round === 'round-2') return said('done');
        const step = round === '' ? { step1: elicit('Step 1: What is your name?', { name: 'string' }) } : null;
        const inputRequests = step ?? { step2: elicit('Step 2: What is your favorite color?', { color: 'string' }) };
        return inputRequired({ inputRequests, requestState: seal(key, step ? 'round-1' : 'round-2') });
      },
    },
    test_input_required_result_capabilities: {
      run(_, { mcpReq }) {
        if (mcpReq.inputResponses) return said('done');
        const can = capabilitiesOf(mcpReq);
        const inputRequests = {
          ...(can['sampling'] !== undefined && { sampled: sample('Hello', 10) }),
          ...(can['elicitation'] !== undefined && { elicited: name }),
        };
        return Object.keys(inputRequests).length > 0 ? inputRequired({ inputRequests }) : said('nothing to ask');
      },
    },
    test_missing_capability: {
      run(_, { mcpReq }) {
        if (capabilitiesOf(mcpReq)['sampling']) return said('done');
        throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
      },
    },
    test_custom_header: {
      run: ({ region }) => said(`region ${region}`),
      inputSchema: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
    },
    test_streaming_elicitation: asks({ user_name: name }),
    test_logging_tool: {
      async run(_, { mcpReq }) {
        await mcpReq.log('info', 'only if asked for');
        return said('logged');
      },
    },
  };
}

function capabilitiesOf({ envelope }: ServerContext['mcpReq']): Record<string, unknown> {
  const known = envelope as Record<string, unknown> | undefined;
  return (known?.['io.modelcontextprotocol/clientCapabilities'] ?? {}) as Record<string, unknown>;
}

function elicit(message: string, types: Readonly<Record<string, 'string' | 'boolean'>>) {
  const properties = Object.fromEntries(Object.entries(types).map(([each, type]) => [each, { type }])) as Record<
    string,
    { type: 'boolean' }
  >;
  return inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties, required: Object.keys(types) },
  });
}

function seal(key: Buffer, state: string): string {
  return `${state}.${createHmac('sha256', key).update(state).digest('base64url')}`;
}

function open(key: Buffer, sealed: string): string {
  const state = sealed.split('.', 1)[0]!;
  if (seal(key, state) !== sealed) throw new ProtocolError(INVALID_PARAMS, 'The state was changed.');
  return state;
}

function said(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

function createEventStore(): EventStore {
  const events: { readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(stream, message) {
      return `${stream}_${events.push({ stream, message }) - 1}`;
    },
    async getStreamIdForEventId(id) {
      return id.slice(0, id.lastIndexOf('_'));
    },
    async replayEventsAfter(last, { send }) {
      const stream = last.slice(0, last.lastIndexOf('_'));
      const from = Number(last.slice(last.lastIndexOf('_') + 1)) + 1;
      for (const [i, event] of events.entries())
        if (i >= from && event.stream === stream && Object.keys(event.message).length > 0)
          await send(`${stream}_${i}`, event.message);
      return stream;
    },
  };
}
