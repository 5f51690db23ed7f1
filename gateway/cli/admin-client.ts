import { CommandFailed } from './command.ts';

/** An answer of the admin API: what it says, and under which ETag. */
export type Answer<T> = { readonly body: T; readonly etag: string };

/** The admin API as a person's commands use it. */
export type AdminClient = {
  get<T>(path: string): Promise<Answer<T>>;
  /**
   * `seen` is the ETag of what the person has seen; the gateway refuses when it is not that any more. Null where the body
   * names it.
   */
  post<T>(path: string, seen: string | null, body: object): Promise<Answer<T>>;
};

const PATIENCE = 30_000;

/** @throws CommandFailed from every method when the gateway refuses or cannot be reached */
export function createAdminClient(url: string, token: string): AdminClient {
  async function send<T>(path: string, init: { method?: string; headers?: Record<string, string>; body?: string }) {
    let response: Response;
    let text: string;
    try {
      response = await fetch(new URL(`.${path}`, url.replace(/\/*$/, '/')), {
        ...init,
        headers: { ...init.headers, authorization: `Bearer ${token}`, 'holdpoint-channel': 'cli' },
        // Wherever it points to, the token is not for there.
        redirect: 'error',
        signal: AbortSignal.timeout(PATIENCE),
      });
      text = await response.text();
    } catch (cause) {
      throw new CommandFailed(unreachable(url, cause), { cause });
    }
    const body = parse(text);
    if (response.ok && body) return { body: body as T, etag: response.headers.get('etag') ?? '' };
    throw new CommandFailed(refusal(response.status, body, url));
  }

  return {
    get: (path) => send(path, {}),
    post: (path, seen, body) =>
      send(path, {
        method: 'POST',
        headers: { ...(seen !== null && { 'if-match': seen }), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  };
}

export function holdPath(id: string): string {
  return `/api/holds/${encodeURIComponent(id)}`;
}

function unreachable(url: string, cause: unknown): string {
  const { code } = ((cause as Error).cause ?? {}) as { readonly code?: unknown };
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND'
    ? `No gateway answers at ${url}. Start it, or pass --url or --config.`
    : `${url} gave no answer. It may have done what you asked: check the hold before you repeat the command.`;
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function refusal(status: number, body: object | null, url: string): string {
  const { title, detail } = (body ?? {}) as { readonly title?: unknown; readonly detail?: unknown };
  if (status === 401) return 'The token is no reviewer’s. Set HOLDPOINT_TOKEN or pass --token-file.';
  if (typeof title === 'string' && typeof detail === 'string') return `${title}: ${detail}`;
  return `${url} answered ${status}, but not as an admin API. Check the address.`;
}
