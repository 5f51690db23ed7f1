import type { AdminClient } from '../admin-client.ts';
import type { ListedHold, ShownHold } from '../answers.ts';
import { holdList } from './hold-list.ts';
import { holdPage } from './hold-page.ts';
import type { Terminal } from '../terminal.ts';

/** Lists the holds that `filter` (parameters of `GET /api/holds`) lets through, all pages of them. */
export async function listHolds(
  client: AdminClient,
  terminal: Terminal,
  filter: Readonly<Record<string, string>>,
  json: boolean,
): Promise<void> {
  const items: ListedHold[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ ...filter, limit: '200', ...(cursor !== '' && { cursor }) });
    const { body }: { body: { items: ListedHold[]; next: string | null } } = await client.get(`/api/holds?${query}`);
    items.push(...body.items);
    cursor = body.next;
  }
  terminal.out(json ? `${JSON.stringify(items, null, 2)}\n` : holdList(items, Date.now()));
}

export async function showHold(client: AdminClient, terminal: Terminal, id: string, json: boolean): Promise<void> {
  const { body } = await client.get<ShownHold>(pathOf(id));
  terminal.out(json ? `${JSON.stringify(body, null, 2)}\n` : holdPage(body));
}

export function pathOf(id: string): string {
  return `/api/holds/${encodeURIComponent(id)}`;
}
