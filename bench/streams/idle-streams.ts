import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** Open streams on which nothing comes, each on a connection of its own. */
export type IdleStreams = {
  /** Resolves when every stream is closed. @throws Error when one of them had ended before */
  close(): Promise<void>;
};

/** Streams that are opened together. */
const AT_ONCE = 100;

/** Opens the streams on which an MCP server speaks by itself. @throws Error when one is refused */
export async function openIdleStreams(url: string, token: string, count: number): Promise<IdleStreams> {
  const agent = new Agent({ maxSockets: Infinity });
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  };
  const open: ClientRequest[] = [];
  let isClosing = false;
  let broken: Error | null = null;

  async function openOne(): Promise<void> {
    const stream = request(url, { agent, headers });
    open.push(stream);
    const [answer] = (await once(stream.end(), 'response')) as [IncomingMessage];
    if (answer.statusCode !== 200) throw new Error(`a stream was answered with ${answer.statusCode}`);
    const ended = (): void => {
      if (!isClosing) broken ??= new Error('a stream ended by itself');
    };
    stream.on('error', ended);
    answer.on('error', ended).on('close', ended).resume();
  }
  async function close(): Promise<void> {
    isClosing = true;
    await Promise.all(
      open.map((stream) => {
        const closed = once(stream, 'close').catch(() => {});
        stream.destroy();
        return closed;
      }),
    );
    if (broken) throw broken;
  }

  try {
    while (open.length < count)
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - open.length) }, openOne));
  } catch (reason) {
    await close().catch(() => {});
    throw reason;
  }
  return { close };
}
