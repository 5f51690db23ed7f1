import type { ContextPackage, HoldSummary } from '../../admin/api/hold-schemas.ts';
import { holdPath, type AdminClient } from './admin-client.ts';
import { ADMIN_OPTIONS, connectAdmin } from './admin-connection.ts';
import { defineCommand } from './command.ts';
import { holdList } from './pages/hold-list.ts';
import { holdPage } from './pages/hold-page.ts';
import { jsonPage } from './pages/json-page.ts';

const show = defineCommand({
  parameters: ['ID'],
  options: ADMIN_OPTIONS,
  async run({ args: [id], values, terminal }) {
    const { body } = await connectAdmin(values).get<ContextPackage>(holdPath(id!));
    if (values.json) terminal.out(jsonPage(body));
    else terminal.page(holdPage(body));
    return 0;
  },
});

export const holds = defineCommand({
  commands: { show: ['show one held call in full', () => show] },
  options: {
    status: { value: 'STATUS', default: 'pending', help: 'only holds of this status; all for any' },
    kind: { value: 'KIND', help: 'only holds of this kind: approval, exception or relay' },
    system: { value: 'NAME', help: 'only calls to this system' },
    agent: { value: 'ID', help: 'only calls of this agent' },
    group: { value: 'NAME', help: 'only holds that this group may decide' },
    mine: { help: 'only holds that you claimed or that are assigned to you' },
    overdue: { help: 'only holds that should have been decided by now' },
    ...ADMIN_OPTIONS,
  },
  async run({ values, terminal }) {
    const { status, kind, system, agent, group, mine, overdue, json } = values;
    const filter = Object.entries({
      status: status === 'all' ? undefined : status,
      kind,
      system,
      agent,
      group,
      mine: mine ? 'true' : undefined,
      overdue: overdue ? 'true' : undefined,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const found = await findHolds(connectAdmin(values), Object.fromEntries(filter));
    terminal.out(json ? jsonPage(found) : holdList(found, Date.now()));
    return 0;
  },
});

/** All holds that `filter` (parameters of `GET /api/holds`) lets through, page after page. */
async function findHolds(client: AdminClient, filter: Readonly<Record<string, string>>): Promise<HoldSummary[]> {
  const found: HoldSummary[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({ ...filter, limit: '200', ...(cursor !== '' && { cursor }) });
    const { body }: { body: { items: HoldSummary[]; next: string | null } } = await client.get(`/api/holds?${query}`);
    found.push(...body.items);
    cursor = body.next;
  }
  return found;
}
