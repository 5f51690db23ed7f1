import { assertCall, type Hold } from '../../domain/hold.ts';
import type { HoldCommand } from '../../domain/hold-command.ts';
import { approve, edit, redeem } from './approving.ts';
import { changed, type Change } from './change.ts';
import { outcome, readBack } from './confirming.ts';
import { accept, answer, cancel, giveBack, reject, supersede, takeOver } from './ending.ts';
import { executed, failed, indeterminate, leaveToPeople, release, reopen, resend } from './releasing.ts';
import { claim, escalate, note, unclaim } from './reviewing.ts';
import { owedBy, owing } from './telling.ts';
import { escalateDue, expire, lapse, remind } from './timing.ts';

/** What each command does. Call it only through `transition`, which checks the guards. */
export function changes(hold: Hold, command: HoldCommand, now: number): Change {
  switch (command.type) {
    // --- reviewers work on it
    case 'claim':
      return claim(hold, command, now);
    case 'unclaim':
      return unclaim(hold, command, now);
    case 'note':
      return note(hold, command, now);
    case 'escalate':
      return escalate(hold, command, now);
    // --- it is approved
    case 'approve':
      return approve(assertCall(hold), command, now);
    case 'edit':
      return edit(assertCall(hold), command, now);
    case 'redeem':
      return redeem(assertCall(hold), command, now);
    // --- it ends otherwise
    case 'reject':
      return reject(hold, command, now);
    case 'take-over':
      return owing(takeOver(hold, command, now), now);
    case 'answer':
      return answer(hold, command, now);
    case 'accept':
      return accept(hold, command, now);
    case 'return':
      return giveBack(hold, command, now);
    case 'cancel':
      return cancel(hold, command, now);
    case 'supersede':
      return supersede(hold, command, now);
    // --- time passes
    case 'remind':
      return remind(hold, now);
    case 'escalate-due':
      return escalateDue(hold, now);
    case 'expire':
      return owing(expire(hold, now), now);
    case 'lapse':
      return lapse(assertCall(hold), now);
    // --- the gateway sends it
    case 'give-handle':
      return changed(hold, { handle: true });
    case 'reopen':
      return reopen(assertCall(hold), command, now);
    case 'release':
      return release(assertCall(hold), command, now);
    case 'resend':
      return resend(assertCall(hold), command, now);
    case 'executed':
      return owing(executed(assertCall(hold), command, now), now, command.tellingBy);
    case 'failed':
      return failed(assertCall(hold), command, now);
    case 'indeterminate':
      return indeterminate(assertCall(hold), command, now);
    case 'leave-to-people':
      return leaveToPeople(assertCall(hold), command);
    // --- the outcome becomes known
    case 'outcome':
      return hold.status === 'approved' ? owing(outcome(hold, command, now), now) : outcome(hold, command, now);
    case 'read-back':
      return owing(readBack(assertCall(hold), command, now), now);
    // --- its caller is told
    case 'tell':
      return owedBy(assertCall(hold), command.by);
    case 'missed':
      return owedBy(assertCall(hold), null);
    case 'told':
      return changed(assertCall(hold), { owed: null });
  }
}
