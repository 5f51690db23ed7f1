import { TOKEN } from '../helpers/data-plane.ts';

/** What a client of MCP sends by hand, where no SDK would. */
export type Sent = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
  readonly signal?: AbortSignal;
};

/** Posts a message, or another body, to an MCP endpoint. */
export function post(url: string, message: unknown, { headers, token = TOKEN, signal }: Sent = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof message === 'string' || message instanceof Uint8Array ? (message as string) : JSON.stringify(message),
    ...(signal && { signal }),
  });
}

export function request(id: unknown, method: string, params?: object): object {
  return { jsonrpc: '2.0', id, method, ...(params && { params }) };
}

/** A request of 2026-07-28, with what it repeats in headers. */
export function modern(
  id: unknown,
  method: string,
  params: object = {},
): readonly [message: object, headers: Record<string, string>] {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const { name } = params as { name?: string };
  return [
    request(id, method, { ...params, _meta: { ..._meta, ...(params as { _meta?: object })._meta } }),
    { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, ...(name !== undefined && { 'mcp-name': name }) },
  ];
}

/** The messages of a stream of events, as they come. */
export async function* messagesOf(response: Response): AsyncGenerator<{ id?: string | number }> {
  for await (const event of eventsOf(response)) {
    const data = event
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map((line) => line.slice(6));
    if (data.length > 0 && data[0] !== '') yield JSON.parse(data.join('\n')) as { id?: string | number };
  }
}

/** The events of a stream, as they come, with their fields. */
export async function* eventsOf(response: Response): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream() as never)) {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop()!;
    yield* events;
  }
}
