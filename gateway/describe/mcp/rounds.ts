import { hash } from 'node:crypto';
import type { Passes, Purpose } from '../../domain/pass.ts';
import { MessageError } from '../../mcp/message-error.ts';
import { messageIdentity, type Message } from '../../mcp/message.ts';
import { INVALID_PARAMS } from '../../mcp/protocol.ts';
import { withoutParam } from './without-param.ts';

/** What begins a state that the gateway gave. Others are the system's own, and pass. */
const OURS = 'holdpoint/';
/** Clients ask again ten times at most, and throw an error of their own then, which no model reads. */
const MOST_ROUNDS = 9;
/** Milliseconds for which a state may be used. Clients ask again at once. */
const LASTS = 600_000;

/**
 * Keeps a client waiting for longer than one request lasts (2026-07-28, multi round-trip requests): it is given a state
 * and sends its request again with it. The state counts the rounds. It is sealed for the agent, the system and the call.
 */
export type Rounds = {
  /**
   * The message without the gateway's state, and what gives the next one; the message itself in the first round.
   * @throws MessageError -32602 for a state that was changed, has expired, or belongs to another call
   */
  take(agent: string, message: Message): { readonly message: Message; readonly next: (() => string) | null };
};

export function createRounds(system: string, passes: Passes): Rounds {
  function purpose({ text }: Message, round: number): Purpose {
    return ['round', system, hash('sha256', messageIdentity(Buffer.from(text))), String(round)];
  }

  function next(agent: string, message: Message, round: number): (() => string) | null {
    // The state of the system would be lost, and with it what it asked.
    if (round >= MOST_ROUNDS || message.requestState !== null || message.inputResponses !== null) return null;
    return () => `${OURS}${round + 1}/${passes.issue(agent, purpose(message, round + 1), LASTS)}`;
  }

  return {
    take(agent, message) {
      const { requestState, id } = message;
      if (requestState === null || !requestState.startsWith(`"${OURS}`)) {
        return { message, next: next(agent, message, 0) };
      }
      const [, round = '', pass = ''] = (JSON.parse(requestState) as string).split('/');
      const opened = passes.open(pass, purpose(message, Number(round)));
      if (typeof opened === 'string' || opened.agent !== agent) {
        const detail =
          'This requestState was changed, has expired, or is that of another call. Send the call without it.';
        throw new MessageError(INVALID_PARAMS, detail, id);
      }
      const first = withoutParam(message, 'requestState');
      return { message: first, next: next(agent, first, Number(round)) };
    },
  };
}
