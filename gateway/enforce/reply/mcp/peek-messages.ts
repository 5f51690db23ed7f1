import type { AgentRequest } from '../../../domain/message.ts';
import type { AnsweredMessage } from '../../../domain/reply.ts';
import { readMessages } from '../../../mcp/message.ts';

/** Bytes of a refused body that are read for its ids. */
const MOST = 2 ** 20;

/** What a body carries, as far as its refusal needs to know. */
export type Peeked = { readonly isBatch: boolean; readonly all: readonly AnsweredMessage[] };

/** A body that was not read, or could not be: its refusal has the id null. */
export const UNREAD: Peeked = { isBatch: false, all: [{ id: 'null', method: '', era: 'legacy' }] };

/**
 * The messages of a call that was refused before its body was read: a response without its id reaches no model. Rejects
 * if the caller leaves before that.
 */
export function peekMessages(request: AgentRequest): Promise<Peeked> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.readBody({
      piece(chunk) {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > MOST) resolve(UNREAD);
        return bytes <= MOST;
      },
      end: () => resolve(messagesIn(Buffer.concat(chunks))),
      cut: reject,
    });
  });
}

function messagesIn(body: Buffer): Peeked {
  try {
    const { isBatch, all } = readMessages(body);
    const answered = all.map(({ id, method, era, kind }) =>
      kind === 'request' ? { id, method, era } : { id: null, method, era },
    );
    return { isBatch, all: answered };
  } catch {
    return UNREAD;
  }
}
