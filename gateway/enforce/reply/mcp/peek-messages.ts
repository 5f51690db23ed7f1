import type { AgentRequest } from '../../../domain/message.ts';
import type { AnsweredMessage } from '../../../domain/reply.ts';
import { EnvelopeScanner } from '../../../mcp/envelope-scanner.ts';
import { readMessages } from '../../../mcp/message.ts';

/** Bytes of a refused body that are kept, so that a batch can be read. */
const MOST_KEPT = 2 ** 20;
/** Bytes of a refused body that are read for its id, which most clients write at the end. */
const MOST_READ = 32 * 2 ** 20;

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
    const scanner = new EnvelopeScanner();
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.readBody({
      piece(chunk) {
        bytes += chunk.length;
        if (bytes <= MOST_KEPT) chunks.push(chunk);
        else chunks.length = 0;
        scanner.push(chunk);
        if (bytes > MOST_READ) resolve(UNREAD);
        return bytes <= MOST_READ;
      },
      end: () => resolve(bytes <= MOST_KEPT ? messagesIn(Buffer.concat(chunks)) : messageOf(scanner, request)),
      cut: reject,
    });
  });
}

/** Requests of 2026-07-28 repeat their method in a header. */
function messageOf({ id, method }: EnvelopeScanner, { headers }: AgentRequest): Peeked {
  if (id === null) return UNREAD;
  const era = headers['mcp-method'] === undefined ? 'legacy' : 'modern';
  return { isBatch: false, all: [{ id, method, era }] };
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
