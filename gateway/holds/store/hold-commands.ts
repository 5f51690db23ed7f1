import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Clock } from '../../domain/clock.ts';
import type { HoldCommand, HoldRefusal } from '../../domain/hold-command.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import { assertCall, type Hold, type HoldExecution } from '../../domain/hold.ts';
import type { Reviewer } from '../../domain/principal.ts';
import type { Suspension } from '../../domain/suspension.ts';
import type { Change } from '../changes/change.ts';
import { overdueCommand } from '../deadlines.ts';
import type { Documents } from './documents.ts';
import type { HoldReader } from './hold-reader.ts';
import type { HoldWriter } from './hold-writer.ts';
import { transition } from '../machine.ts';
import { fromRow } from './rows.ts';
import type { HoldRow } from './schema.ts';
import type { Content } from './hold-contents.ts';
import { suspensionOf } from './suspension-rows.ts';
import type { Transact } from './unit-of-work.ts';

export type HoldCommands = Pick<HoldStore, 'apply' | 'foresee'>;

/** @param options.standIn fills in the people for whom a reviewer stands in now */
export function createHoldCommands(options: {
  readonly reader: HoldReader;
  readonly documents: Documents;
  readonly writer: HoldWriter;
  readonly transact: Transact;
  readonly clock: Clock;
  readonly standIn: (reviewer: Reviewer, now: number) => Promise<Reviewer>;
}): HoldCommands {
  const { reader, documents, writer, transact, clock, standIn } = options;

  return {
    apply: (id, command) => carryOut(id, command, commit),
    async foresee(id, command) {
      const foreseen = await carryOut(id, command, async () => 'written');
      return 'refused' in foreseen ? foreseen : null;
    },
  };

  /** @param settle what is done with a permitted command once no deadline is in its way */
  async function carryOut(id: string, command: HoldCommand, settle: typeof commit): Promise<Hold | HoldRefusal> {
    for (;;) {
      const now = clock();
      const person = isPersonal(command) ? command.by.id : null;
      const before = await reader.rowFor(id, person, now);
      if (!before) return { refused: 'not-found', detail: 'There is no such hold.', hold: null };
      const hold = fromRow(before, documents);
      if (isCarriedOut(hold, command)) return hold;
      // A timer that is late must not leave a hold looking alive: the first command settles it. Only once that is committed
      // is a command refused as too late: an approval in time may be under way.
      const stopped = before.stopped > 0;
      if (stopped && waitsForLift(command)) return { refused: 'forbidden', detail: STOPPED, hold };
      const overdue = stopped ? null : overdueCommand(hold, now);
      const wish = overdue ?? (await inOwnName(command, before.stands_in > 0, now));
      const change = transition(hold, wish, now);
      if ('refused' in change) return change;
      const result = await (overdue ? commit : settle)({ hold, before, command: wish, change, now });
      if (result === 'everything') return { refused: 'forbidden', detail: STOPPED, hold };
      if (result === 'agent' || result === 'system') {
        const who = `The agent ${hold.principal.agent} or the system ${assertCall(hold).system}`;
        return {
          refused: 'forbidden',
          detail: `${who} is suspended. Nothing is sent until the suspension ends.`,
          hold,
        };
      }
      if (result === 'written' && (!overdue || overdue.type === command.type)) return change.hold;
      if (result === 'overtaken') await yieldToEventLoop();
    }
  }

  function commit({ hold, before, command, change, now }: Permitted): Promise<Committed> {
    return transact(now, async (unit) => {
      const suspended = sends(command) && (await suspensionOf(unit.trx, hold.principal.agent, assertCall(hold).system));
      if (suspended) return suspended;
      return (await writer.update(unit, before, change, contentsOf(command))) ? 'written' : 'overtaken';
    });
  }

  /** For whom a reviewer stands in is read from the store; what the command says of it is dropped. */
  async function inOwnName(command: HoldCommand, standsIn: boolean, now: number): Promise<HoldCommand> {
    if (!isPersonal(command)) return command;
    return { ...command, by: standsIn ? await standIn(command.by, now) : { ...command.by, standsInFor: [] } };
  }
}

/** A command that the state machine lets through, and the row that it was asked about. */
type Permitted = {
  readonly hold: Hold;
  readonly before: HoldRow;
  readonly command: HoldCommand;
  readonly change: Change;
  readonly now: number;
};

type Committed = 'written' | 'overtaken' | Suspension['kind'];

function isPersonal(command: HoldCommand): command is Extract<HoldCommand, { by: Reviewer }> {
  return 'by' in command && typeof command.by === 'object' && 'groups' in command.by;
}

/** Whether it lets the call out: nothing leaves after a suspension has been committed. */
function sends({ type }: HoldCommand): boolean {
  return type === 'release' || type === 'resend';
}

const STOPPED = 'Everything is stopped: nothing is approved or sent until an operator lifts that.';

/** Whether it brings the call nearer to being sent, or comes from a clock. Both wait while everything is stopped. */
function waitsForLift(command: HoldCommand): boolean {
  switch (command.type) {
    case 'approve':
    case 'edit':
    case 'redeem':
    case 'remind':
    case 'escalate-due':
    case 'expire':
    case 'lapse':
      return true;
    default:
      return sends(command);
  }
}

/** What a command brings along that has to be kept encrypted. */
function contentsOf(command: HoldCommand): Content[] {
  switch (command.type) {
    case 'edit':
      return [{ kind: 'call', content: command.call }];
    case 'executed':
      return [{ kind: 'response', content: command.response }];
    case 'answer':
      return [{ kind: 'answer', content: command.answer }];
    default:
      return [];
  }
}

/** What an attempt's execution is once a command about it is carried out. */
const DONE: Partial<Record<HoldCommand['type'], readonly HoldExecution[]>> = {
  release: ['releasing'],
  resend: ['releasing'],
  executed: ['executed'],
  failed: ['failed'],
  indeterminate: ['indeterminate', 'confirmed-executed', 'confirmed-not'],
};

/**
 * Whether this very attempt has been here with this command already. A caller that lost the connection
 * during the commit asks once more, and must not be told that another was faster.
 */
function isCarriedOut(hold: Hold, command: HoldCommand): boolean {
  const done = DONE[command.type];
  if (!done || !('attempt' in command) || hold.kind !== 'approval') return false;
  if (hold.attempt?.id !== command.attempt) return false;
  return done.includes(hold.execution);
}
