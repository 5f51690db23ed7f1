import type { CallHold, Hold } from '../../domain/hold.ts';
import { because, byGateway, byPerson, changed, type Change, type Command } from './change.ts';

/** A person reports how a call taken over went, or what became of a call of unknown outcome. */
export function outcome(hold: Hold, command: Command<'outcome'>, now: number): Change {
  const { result, reference, note, by } = command;
  const outcome = { result, reference, note, by: by.id, at: now };
  const told = { ...byPerson(command), code: result, ...because(reference ?? note) };
  if (hold.status === 'taken-over' || hold.kind !== 'approval') {
    return changed(hold, { outcome }, { type: 'hold.outcome', ...told });
  }
  return changed(hold, { outcome, execution: confirmed(result) }, { type: 'hold.confirmed', ...told });
}

/** The configured probe found out. */
export function readBack(hold: CallHold, { executed, evidence }: Command<'read-back'>, now: number): Change {
  const result = executed ? 'executed' : 'not-executed';
  return changed(
    hold,
    {
      outcome: { result, reference: null, note: evidence, by: 'read-back', at: now },
      execution: confirmed(result),
    },
    { type: 'hold.confirmed', ...byGateway, code: result, reason: evidence },
  );
}

function confirmed(result: Command<'outcome'>['result']) {
  return result === 'executed' ? 'confirmed-executed' : 'confirmed-not';
}
