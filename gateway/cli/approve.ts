import type { ContextPackage } from '../../admin/api/hold-schemas.ts';
import { holdPath } from './admin-client.ts';
import { ADMIN_OPTIONS, connectAdmin } from './admin-connection.ts';
import { CommandFailed, defineCommand } from './command.ts';
import { decisionLine } from './pages/decision-line.ts';
import { holdPage } from './pages/hold-page.ts';
import { jsonPage } from './pages/json-page.ts';

export const approve = defineCommand({
  parameters: ['ID'],
  options: {
    note: { value: 'TEXT', help: 'note, which the agent can read' },
    yes: { short: 'y', help: 'approve without asking' },
    ...ADMIN_OPTIONS,
  },
  async run({ args: [id], values, terminal }) {
    const { note, yes, json } = values;
    const client = connectAdmin(values);
    const seen = await client.get<ContextPackage>(holdPath(id!));
    // What a script reads stays free of what a person reads.
    const say = json ? terminal.err : terminal.page;
    say(`${holdPage(seen.body)}\n`);
    const { approve, why } = seen.body.you_may;
    if (!approve) throw new CommandFailed(`You cannot approve this. ${why ?? ''}`);
    if (!yes && !(await terminal.confirm('Approve this?'))) throw new CommandFailed('Nothing was approved.');
    // If-Match names what was shown: an edit in between is refused.
    const { body } = await client.post<ContextPackage>(`${holdPath(id!)}/approve`, seen.etag, { note });
    terminal.out(json ? jsonPage(body) : decisionLine(body));
    return 0;
  },
});
