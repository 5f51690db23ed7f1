import type { ServerResponse } from 'node:http';
import { startUpstream } from '../../../helpers/upstream.ts';

export const TOKEN = 'xoxb-1-secret';

/** What was sent to Slack's Web API, with its method's name as `method`. */
export type SlackCall = {
  readonly method: string;
  readonly channel: string;
  readonly ts?: string;
  readonly text: string;
  readonly blocks: readonly object[];
};

export type SlackServer = {
  readonly url: string;
  readonly calls: SlackCall[];
  /** Answers the next call with this error, as Slack does: with status 200. */
  failWith(error: unknown): void;
  close(): Promise<void>;
};

/** As much of Slack's Web API as a bot needs that posts and updates messages. */
export async function startSlackServer(): Promise<SlackServer> {
  const calls: SlackCall[] = [];
  const errors: unknown[] = [];
  const answer = (response: ServerResponse, body: object) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const server = await startUpstream(({ url, headers, body }, response) => {
    if (headers.authorization !== `Bearer ${TOKEN}`) return answer(response, { ok: false, error: 'invalid_auth' });
    if (errors.length > 0) return answer(response, { ok: false, error: errors.shift() });
    const message = JSON.parse(body.toString()) as Omit<SlackCall, 'method'>;
    calls.push({ ...message, method: url.slice('/api/'.length) });
    const ts = message.ts ?? `17${calls.length}.000100`;
    // It repeats the message, and knows the channel by its identifier.
    return answer(response, { ok: true, channel: 'C024BE91L', ts, message });
  });
  return { url: `${server.url}/api`, calls, failWith: (error) => void errors.push(error), close: () => server.close() };
}
