import type { CallHold, Hold } from '../../gateway/domain/hold.ts';
import { shortLine } from '../../gateway/domain/visible-text.ts';
import type { Demand } from '../deps.ts';

/** Characters of an address or a name in the sentence. A longer one stands whole below it. */
const LONGEST = 300;

/** What an approval sends. `tool` is null for what is no call of a tool. */
type Sent = { readonly url: string; readonly bytes: number; readonly tool: string | null };

/** What deciding does, in a sentence or two: written by the gateway alone. */
export function consequence(hold: Hold, demands: readonly Demand[], sent: Sent): string {
  if (hold.status !== 'pending') return settled(hold);
  switch (hold.kind) {
    case 'exception':
      return `Answering tells ${hold.principal.agent} what to do; nothing is sent to a system.`;
    case 'relay':
      return `Accepting takes the work over from ${hold.principal.agent}; nothing is sent to a system.`;
    case 'approval':
      return hold.terms.level === 3
        ? 'This cannot be approved: a person takes it over, or rejects it. Nothing is sent.'
        : approving(hold, demands, sent);
  }
}

function approving(hold: CallHold, demands: readonly Demand[], { url, bytes, tool }: Sent): string {
  const to = hold.upstream === undefined ? '' : ` to ${hold.upstream}`;
  const what =
    tool === null
      ? `${hold.method} ${shortLine(url, LONGEST)}${to} once, with exactly the ${bytes} bytes of body shown here`
      : `a call of the tool ${shortLine(tool, LONGEST)}${to} once, with exactly the arguments shown here`;
  const missing = demands
    .map(({ groups, quorum, approvals }) => ({ groups, count: quorum - approvals }))
    .filter(({ count }) => count > 0);
  const total = missing.reduce((sum, { count }) => sum + count, 0);
  const others =
    hold.editors.length > 0 ? ` ${hold.editors.join(', ')} changed it, so somebody else has to approve.` : '';
  if (total <= 1) return `Approving sends ${what}, after policy has been asked again.${others}`;
  const whom = missing.map(({ groups, count }) => `${count} of ${groups.join(' or ') || 'any group'}`).join(' and ');
  return `Approving counts as one of ${total} approvals still needed (${whom}); the last of them sends ${what}, after policy has been asked again.${others}`;
}

function settled({ status, execution }: Hold): string {
  if (status !== 'approved') return 'Decided: nothing is sent.';
  switch (execution) {
    case 'none':
      return 'Approved: it is sent once its caller collects it, after policy has been asked again.';
    case 'releasing':
      return 'Approved: it is being sent.';
    case 'indeterminate':
      return 'It was sent, but nobody knows whether it was executed. Find out, and record the outcome.';
    default:
      return 'Over: nothing more is sent.';
  }
}
