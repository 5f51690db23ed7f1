import { CommandFailed } from '../admin-client.ts';
import type { AdminClient, Answer } from '../admin-client.ts';
import type { ShownHold } from '../answers.ts';
import { votes } from './hold-list.ts';
import { holdPage } from './hold-page.ts';
import { pathOf } from './holds.ts';
import { plain } from './plain-text.ts';
import type { Terminal } from '../terminal.ts';

/** Shows what would be sent and, once the person says yes, approves exactly that: If-Match names what was shown. */
export async function approveHold(
  client: AdminClient,
  terminal: Terminal,
  id: string,
  { note, yes, json }: { readonly note: string | undefined; readonly yes: boolean; readonly json: boolean },
): Promise<void> {
  const seen = await client.get<ShownHold>(pathOf(id));
  // What a script reads stays free of what a person reads.
  const say = json ? terminal.err : terminal.out;
  say(`${holdPage(seen.body)}\n`);
  const { approve, why } = seen.body.you_may;
  if (!approve) throw new CommandFailed(`You cannot approve this. ${why ?? ''}`);
  if (!yes && !(await terminal.confirm('Approve this?'))) throw new CommandFailed('Nothing was approved.');
  const answer = await client.post<ShownHold>(`${pathOf(id)}/approve`, seen.etag, note === undefined ? {} : { note });
  tell(answer, terminal, json);
}

export async function rejectHold(
  client: AdminClient,
  terminal: Terminal,
  id: string,
  { code, note, json }: { readonly code: string; readonly note: string | undefined; readonly json: boolean },
): Promise<void> {
  const seen = await client.get<ShownHold>(pathOf(id));
  const body = note === undefined ? { code } : { code, note };
  tell(await client.post<ShownHold>(`${pathOf(id)}/reject`, seen.etag, body), terminal, json);
}

function tell({ body }: Answer<ShownHold>, terminal: Terminal, json: boolean): void {
  if (json) terminal.out(`${JSON.stringify(body, null, 2)}\n`);
  else if (body.status === 'pending') {
    terminal.out(`Your approval counts; it waits for others: ${plain(votes(body.routing.demands))}.\n`);
  } else terminal.out(`${plain(body.hold_id)} is ${plain(body.status)}.\n`);
}
