import type { AgentRequest } from '../../../domain/message.ts';
import type { AnsweredMessage } from '../../../domain/reply.ts';
import { readMessages } from '../../../mcp/message.ts';

/** Bytes of a refused body that are read for its id. */
const MOST = 2 ** 20;

const UNKNOWN: AnsweredMessage = { id: 'null', method: '', era: 'legacy' };

/**
 * The message of a call that was refused before its body was read: a response without its id reaches no model. Rejects if
 * the caller leaves before that.
 */
export function peekMessage(request: AgentRequest): Promise<AnsweredMessage> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.readBody({
      piece(chunk) {
        bytes += chunk.length;
        chunks.push(chunk);
        if (bytes > MOST) resolve(UNKNOWN);
        return bytes <= MOST;
      },
      end: () => resolve(answeredBy(Buffer.concat(chunks))),
      cut: reject,
    });
  });
}

function answeredBy(body: Buffer): AnsweredMessage {
  try {
    const [{ id, method, era, kind }] = readMessages(body).all;
    return kind === 'response' ? { id: null, method: '', era } : { id, method, era };
  } catch {
    return UNKNOWN;
  }
}
