import { send, type Answer } from '../../helpers/gateway.ts';
import type { Desk } from '../desk.ts';

/** A browser with the console open: it keeps one cookie, and says where its pages come from. */
export type Browser = {
  /** What it sends as `Cookie`; empty before the sign-in. */
  cookie: string;
  signIn(given: { token?: string; link?: string }, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, headers?: Record<string, string>, body?: object): Promise<Answer>;
};

/** @param origin of the page that sends its requests */
export function openBrowser(desk: Desk, origin: string = desk.url): Browser {
  const browser: Browser = {
    cookie: '',
    async signIn(given, headers = {}) {
      const answer = await browser.send('POST', '/api/session', headers, given);
      const [set] = answer.headers['set-cookie'] ?? [];
      if (set !== undefined) browser.cookie = set.split(';', 1)[0]!;
      return answer;
    },
    send: (method, path, headers = {}, body) =>
      send(desk.url, {
        method,
        path,
        headers: {
          ...(browser.cookie && { cookie: browser.cookie }),
          ...(method !== 'GET' && method !== 'HEAD' && { origin }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
      }),
  };
  return browser;
}
