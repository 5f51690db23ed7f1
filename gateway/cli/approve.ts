import type { BatchResult, ContextPackage } from '../../admin/api/hold-schemas.ts';
import { holdPath, type AdminClient } from './admin-client.ts';
import { ADMIN_OPTIONS, connectAdmin } from './admin-connection.ts';
import { CommandFailed, defineCommand } from './command.ts';
import { batchLine, decisionLine } from './pages/decision-line.ts';
import { UsageError } from './options.ts';
import { grantPage, holdPage } from './pages/hold-page.ts';
import { jsonPage } from './pages/json-page.ts';
import type { Terminal } from './terminal.ts';

export const approve = defineCommand({
  parameters: ['ID…'],
  options: {
    note: { value: 'TEXT', help: 'note, which the agent can read' },
    for: { value: 'TIME', help: 'approve further calls like this one too, for so long, such as 8h' },
    uses: { value: 'N', help: 'how many further calls at most (default: 1)' },
    open: { value: 'PLACE', multiple: true, help: 'what may differ in them: a place that the hold lists' },
    yes: { short: 'y', help: 'approve without asking' },
    ...ADMIN_OPTIONS,
  },
  notes: ['Several holds must be of one rule and one shape, and reversible. Each is decided by itself.'],
  async run({ args, values, terminal }) {
    const [id] = args;
    const { note, yes, json } = values;
    const grant = grantOf(values);
    if (grant && args.length > 1) throw new UsageError('--for is for one hold.');
    const client = connectAdmin(values);
    if (args.length > 1) return await approveTogether(client, args, values, terminal);
    const seen = await client.get<ContextPackage>(holdPath(id!));
    // What a script reads stays free of what a person reads.
    const say = json ? terminal.err : terminal.page;
    say(`${holdPage(seen.body)}\n`);
    const { approve, why } = seen.body.you_may;
    if (!approve) throw new CommandFailed(`You cannot approve this. ${why ?? ''}`);
    const unlisted = grant?.open.find((place) => !seen.body.openable.some((known) => known.place === place));
    if (unlisted !== undefined)
      throw new CommandFailed(`--open: the hold lists no place ${unlisted}. Nothing was approved.`);
    if (grant) say(`${grantPage(seen.body, grant)}\n`);
    if (!yes && !(await terminal.confirm('Approve this?'))) throw new CommandFailed('Nothing was approved.');
    // If-Match names what was shown: an edit in between is refused.
    const { body } = await client.post<ContextPackage>(`${holdPath(id!)}/approve`, seen.etag, { note, grant });
    terminal.out(json ? jsonPage(body) : decisionLine(body));
    return 0;
  },
});

/** Shows each hold, asks once, and approves each with an answer of its own. */
async function approveTogether(
  client: AdminClient,
  ids: readonly string[],
  { note, yes, json }: { readonly note: string | undefined; readonly yes: boolean; readonly json: boolean },
  terminal: Terminal,
): Promise<number> {
  const seen = [];
  for (const id of ids) seen.push((await client.get<ContextPackage>(holdPath(id))).body);
  const say = json ? terminal.err : terminal.page;
  say(`${seen.map(holdPage).join('\n')}\n`);
  if (!yes && !(await terminal.confirm(`Approve these ${seen.length}?`)))
    throw new CommandFailed('Nothing was approved.');
  // The revisions name what was shown: a hold that was edited in between is refused.
  const holds = seen.map(({ hold_id, revision }) => ({ hold_id, revision }));
  const { body } = await client.post<BatchResult>('/api/holds/batch', null, { action: 'approve', holds, note });
  terminal.out(json ? jsonPage(body) : body.items.map(batchLine).join(''));
  return body.items.every(({ done }) => done) ? 0 : 1;
}

/** @throws UsageError */
function grantOf({
  for: time,
  uses,
  open,
}: {
  readonly for: string | undefined;
  readonly uses: string | undefined;
  readonly open: readonly string[];
}) {
  if (time === undefined) {
    if (open.length > 0 || uses !== undefined) throw new UsageError('--uses and --open need --for TIME.');
    return undefined;
  }
  if (!/^[1-9]\d{0,3}$/.test(uses ?? '1')) throw new UsageError('--uses: expected a number, such as 50.');
  return { for: time, uses: Number(uses ?? 1), open: [...open] };
}
